// Kills an indexing process at awkward moments: the next run ends where an undisturbed one does.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { asc, eq } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/store/database.ts'
import { listFailures } from '../../src/store/failures.ts'
import { contents, embeddings, paths } from '../../src/store/schema.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { makeBrokenPicture, makePhoto, makePicture } from '../helpers/noise-pictures.ts'
import { indexAll, openAt } from '../helpers/open-lucida.ts'
import { newFolder, type TestFolder } from '../helpers/picture-folder.ts'

const CHILD = fileURLToPath(new URL('../helpers/index-child.ts', import.meta.url))
const PICTURES = 150

/** The moment of a kill: `delayMs` after the child first said `line`. */
interface Moment {
  readonly line: string
  readonly delayMs?: number
}

describeDatabase('a killed process', (newPlace, engine) => {
  test('leaves nothing that the next run does not mend', async () => {
    await using folder = await newFolder()
    await fill(folder)
    await using undisturbed = await newPlace()
    await indexHere(undisturbed, folder)

    await using place = engine === 'pglite' ? await emptyPlace() : await newPlace()
    await killDuringCreation(place, folder)
    const moments: Moment[] = [
      { line: 'start', delayMs: 20 },
      // While another batch is on its way into the database.
      { line: 'progress', delayMs: 15 },
      // While the database is being closed.
      { line: 'indexed' },
    ]
    for (const moment of moments) await killAt(place, folder, moment)
    const { searchable, found } = await indexHere(place, folder)

    expect(searchable).toBe(PICTURES)
    expect(new Set(found).size).toBe(PICTURES)
    const [expected, actual] = [await dump(undisturbed), await dump(place)]
    expect(actual.facts).toEqual(expected.facts)
    for (const [i, vector] of expected.vectors.entries()) {
      expect(maxDifference(actual.vectors[i]!, vector)).toBeLessThanOrEqual(1e-6)
    }
    expect(actual.failures).toEqual(expected.failures)
  })
})

/** Pictures with and without EXIF in two folders, a copy and a broken one. */
async function fill(folder: TestFolder): Promise<void> {
  for (let i = 0; i < PICTURES; i++) {
    const name = String(i).padStart(3, '0')
    if (i % 3 === 0) await folder.write(`photos/${name}.jpg`, await makePhoto(i))
    else await folder.write(`${name}.png`, await makePicture(i))
  }
  await folder.write('photos/copy.png', await makePicture(1))
  await folder.write('broken.jpg', await makeBrokenPicture('broken'))
}

/** Runs to completion in this process. */
async function indexHere(place: TestPlace, folder: TestFolder) {
  const lucida = await openAt(place)
  const counts = await indexAll(lucida, [folder.path])
  expect(counts).toMatchObject({ seen: PICTURES + 2, vanished: 0 })
  const { searchable } = await lucida.status()
  const term = { path: folder.at('001.png') }
  const { results } = await lucida.search([term], { limit: 1000 })
  await lucida.close()
  return { searchable, found: results.map(({ id }) => id) }
}

/** A data directory without a database. */
async function emptyPlace(): Promise<TestPlace> {
  const dataDir = await mkdtemp(join(tmpdir(), 'lucida-crash-'))
  return {
    dataDir,
    open: () => openDatabase({ directory: dataDir }),
    [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true, force: true }),
  }
}

function startChild(place: TestPlace, folder: TestFolder) {
  const settings = {
    dataDir: place.dataDir,
    databaseUrl: place.databaseUrl,
    model: 'lucida-clip-1',
    vectorIndex: 'exact',
    threads: 1,
    folder: folder.path,
  }
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  return {
    lines: createInterface({ input: child.stdout }),
    async kill() {
      child.kill('SIGKILL')
      expect(await exited).toEqual([null, 'SIGKILL'])
    },
  }
}

async function killAt(place: TestPlace, folder: TestFolder, moment: Moment): Promise<void> {
  const { line, delayMs = 0 } = moment
  const child = startChild(place, folder)
  let heard = ''
  for await (heard of child.lines) if (heard === line) break
  expect(heard).toBe(line)
  if (delayMs > 0) await sleep(delayMs)
  await child.kill()
}

/** Kills in the middle of making the database: embedded, while its files appear; else at once. */
async function killDuringCreation(place: TestPlace, folder: TestFolder): Promise<void> {
  if (place.databaseUrl) return killAt(place, folder, { line: 'opening', delayMs: 60 })
  const child = startChild(place, folder)
  // A whole one has about a thousand.
  while ((await countFiles(place.dataDir)) < 100) await sleep(5)
  await child.kill()
  expect(await readdir(place.dataDir)).not.toContain('database')
}

async function countFiles(directory: string): Promise<number> {
  const found = await readdir(directory, { recursive: true }).catch(() => [])
  return found.length
}

/** All that indexing has found out, in order of the paths, without what depends on the clock. */
async function dump(place: TestPlace) {
  const database = await place.open()
  const rows = await database.db
    .select({ path: paths, content: contents, embedding: embeddings })
    .from(paths)
    .innerJoin(contents, eq(contents.hash, paths.content))
    .innerJoin(embeddings, eq(embeddings.content, paths.content))
    .orderBy(asc(paths.path))
  const failures = await listFailures(database.db)
  await database.close()
  return {
    facts: rows.map(({ path, content, embedding: { model, recipe } }) => {
      const { addedAt: _, ...metadata } = content
      return { ...path, ...metadata, model, recipe }
    }),
    vectors: rows.map(({ embedding }) => embedding.vector),
    failures: failures.map((failure) => {
      // The decoder's own words depend on what is decoded at the same time.
      return { ...failure, reason: failure.reason.replace(/ \(.*\)$/, ''), failedAt: null }
    }),
  }
}

function maxDifference(a: Float32Array, b: Float32Array): number {
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))
}
