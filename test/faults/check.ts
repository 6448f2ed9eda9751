// What must be true once all faults are over. Each check returns how much it looked at, and what is
// wrong in words; a test plants each kind of wrong and sees it found.
import { mkdtemp, readdir, readFile, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { resolveConfig } from '../../src/config.ts'
import { isDraft } from '../../src/core/durable-file.ts'
import { type ContentHash, sha256 } from '../../src/core/hash.ts'
import { dot, type UnitVector } from '../../src/core/vector.ts'
import { examine } from '../../src/doctor/examine.ts'
import { openLucida } from '../../src/lucida.ts'
import { indexesFolder } from '../../src/search/checkpoint.ts'
import { describeIndexFile } from '../../src/search/index-file.ts'
import { openIndexFor } from '../../src/search/open-index.ts'
import { syncIndex } from '../../src/search/sync.ts'
import type { VectorSpace } from '../../src/store/changes.ts'
import { type Database, openDatabase, rows } from '../../src/store/database.ts'
import { listVisible } from '../../src/store/pictures.ts'
import { findVectors } from '../../src/store/pictures.ts'
import { readServing } from '../../src/store/serving.ts'
import { sql } from 'drizzle-orm'
import { uploadPath } from './album.ts'
import type { World } from './world.ts'

/** What a check found. */
export interface Found {
  readonly counts: Readonly<Record<string, number>>
  readonly violations: readonly string[]
}

/** Where to look. */
export type Place = Pick<
  World,
  'album' | 'clients' | 'databaseUrl' | 'disk' | 'members' | 'postgres' | 'storage'
>

/** What is given back when its time has come; doctor says so, and nothing is wrong. */
const HARMLESS = new Set(['leftover', 'claim_expired'])
/** Older than what anybody may still be writing. */
const LONG_AGO_SECONDS = 2 * 60 * 60
const VECTORS_MADE_ANEW = 10
/** Two machines, and runs of other sizes, differ by less. */
const SAME_COSINE = 0.9999
const MOST_PICTURES = 1000

/** All checks, the last of which need that nobody is at work. */
export async function checkAll(place: Place): Promise<Found> {
  const answered = await checkAnswers(place)
  for (const member of place.members) await member.stop()
  const found = [answered]
  for (const check of [checkStore, checkJobs, checkVectors, checkIndexes, checkDoctor]) {
    found.push(await check(place))
  }
  return {
    counts: Object.assign({}, ...found.map(({ counts }) => counts)),
    violations: found.flatMap(({ violations }) => violations),
  }
}

/** Whatever was acknowledged and not touched since is there, with its vector. */
export function checkAcknowledged(place: Place): Promise<Found> {
  return withStore(place, async (db, space) => {
    const { album, storage } = place
    const expected = [
      ...[...album.files]
        .filter(([, { acknowledged }]) => acknowledged)
        .map(([path, { hash }]) => ({ path, hash })),
      ...[...album.uploads].map((hash) => ({ path: uploadPath(storage, hash), hash })),
    ]
    const stored = await storedFiles(db, space)
    const violations = expected.flatMap(({ path, hash }) => {
      const found = stored.get(path) ?? []
      const isThere = found.some((row) => row.content === hash && row.vectors === 1)
      return isThere ? [] : [`lost: ${path}, ${hash}, stored as ${JSON.stringify(found)}`]
    })
    const counts = {
      'acknowledged files there': expected.length - album.uploads.size,
      'acknowledged uploads there': album.uploads.size,
    }
    return { counts, violations }
  })
}

/** The database has exactly the files that there are, each once, each with one vector. */
export function checkStore(place: Place): Promise<Found> {
  return withStore(place, async (db, space) => {
    const uploads = join(place.storage, 'uploads')
    const onDisk = new Map<string, ContentHash>()
    for (const folder of [place.album.folder, uploads]) {
      for (const path of await filesBelow(folder)) {
        if (!isDraft(path)) onDisk.set(path, sha256(await readFile(path)))
      }
    }
    const stored = await storedFiles(db, space)
    const violations: string[] = []
    for (const [path, hash] of onDisk) {
      const found = stored.get(path) ?? []
      if (found.length > 1) violations.push(`twice: ${path}`)
      if (!found.some(({ content }) => content === hash)) violations.push(`lost: ${path}, ${hash}`)
      if (found.some(({ vectors }) => vectors !== 1)) violations.push(`no vector: ${path}`)
    }
    for (const path of stored.keys()) if (!onDisk.has(path)) violations.push(`gone: ${path}`)
    const strays = await rows<{ what: string }>(
      db,
      sql`select 'a picture that lies nowhere: ' || encode(hash, 'hex') as what from contents
            where not exists (select 1 from paths where content = hash)
          union all select 'failed: ' || path || ': ' || reason from failures`,
    )
    violations.push(...strays.map(({ what }) => what))
    const pictures = new Set(onDisk.values()).size
    return { counts: { 'files equal to the store': onDisk.size, pictures }, violations }
  })
}

/** Every job has ended, and those that failed say why; nothing is left to be done, or held. */
export async function checkJobs({ postgres }: Place): Promise<Found> {
  const jobs = await postgres.query<{ id: string; state: string; error: unknown; ended: boolean }>(
    'select id, state, error, ended_at is not null as ended from jobs',
  )
  const violations = jobs.flatMap(({ id, state, error, ended }) => {
    if (state === 'queued' || state === 'running') return [`job ${id} is ${state}`]
    if (!ended) return [`job ${id} has no time of its end`]
    const { code, message } = (error ?? {}) as { code?: string; message?: string }
    return state === 'failed' && !(code && message) ? [`job ${id} failed without a reason`] : []
  })
  const left = await postgres.query<{ what: string }>(
    `select name || ' message ' || id || ' is ' || state as what from pgboss.job
        where name like 'lucida_%' and state in ('created', 'retry', 'active')
      union all select 'a claim on ' || encode(content, 'hex') from claims where until > now()`,
  )
  const reasons = jobs.filter(({ state }) => state === 'failed').map(({ error }) => error)
  return {
    counts: { 'jobs done': jobs.length - reasons.length, 'jobs set aside': reasons.length },
    violations: [...violations, ...left.map(({ what }) => `left: ${what}`)],
  }
}

/** A search of everything names each picture of the store once. */
export async function checkAnswers(place: Place): Promise<Found> {
  const items = await place.clients.search('anything', MOST_PICTURES)
  if (!items) return { counts: {}, violations: ['the last search was refused'] }
  return withStore(place, async (db) => {
    const found = new Set<string>(items.map(({ image }) => image.id))
    const stored = (await listVisible(db)).map(({ hash }) => hash)
    const lost = stored.filter((hash) => !found.has(hash))
    const violations = lost.map((hash) => `not found by the server: ${hash}`)
    if (found.size > stored.length) violations.push('the server finds what is not stored')
    return { counts: { 'pictures that a search finds': found.size }, violations }
  })
}

/** Some vectors made anew from the files are those that are stored: nobody has another's. */
export function checkVectors(place: Place): Promise<Found> {
  return withStore(place, async (db, space) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'lucida-faults-check-'))
    const lucida = await openLucida({ dataDir, databaseUrl: place.databaseUrl, threads: 1 })
    try {
      const files = [...place.album.files].slice(0, VECTORS_MADE_ANEW)
      const stored = await findVectors(
        db,
        space,
        files.map(([, { hash }]) => hash),
      )
      const { vectors } = await lucida.embed(files.map(([path]) => ({ path })))
      const violations = files.flatMap(([path, { hash }], i) => {
        const vector = stored.get(hash)
        const isSame = vector !== undefined && dot(vector, vectors[i]!) > SAME_COSINE
        return isSame ? [] : [`another vector: ${path}`]
      })
      return { counts: { 'vectors made anew': files.length }, violations }
    } finally {
      await lucida.close()
      await rm(dataDir, { recursive: true, force: true })
    }
  })
}

/** Every saved index, caught up, holds the store's pictures with the store's vectors. */
export function checkIndexes(place: Place): Promise<Found> {
  return withStore(place, async (db, space) => {
    const there = (await listVisible(db)).map(({ hash }) => hash)
    const truth = await findVectors(db, space, there)
    const violations: string[] = []
    let count = 0
    for (const { name, dataDir } of place.members) {
      const headers = (await filesBelow(indexesFolder(dataDir))).map(dirname)
      for (const directory of new Set(headers)) {
        const described = await describeIndexFile(directory)
        if (!described || described.kind === 'pgvector') continue
        count++
        const index = await openIndexFor({
          kind: described.kind,
          count: truth.size,
          identity: described.identity,
          directory: dirname(directory),
          fresh: false,
        })
        try {
          const isTrue = await syncIndex(db, space, index)
          const held = await index.vectorsOf(there)
          const others = there.filter((hash) => !isSame(held.get(hash), truth.get(hash)))
          if (isTrue && index.size === truth.size && others.length === 0) continue
          violations.push(
            `${name}'s ${described.kind} index has ${index.size} of ${truth.size}, ${others.length} others`,
          )
        } finally {
          await index.close()
        }
      }
    }
    if (count === 0) violations.push('no index was saved')
    return { counts: { 'indexes equal to the store': count }, violations }
  })
}

/** Doctor finds nothing but what dead processes left; once that is old, it mends it, and all is well. */
export async function checkDoctor(place: Place): Promise<Found> {
  const counts: Record<string, number> = {}
  const violations: string[] = []
  const consult = async (mend: boolean, allowed: ReadonlySet<string>) => {
    for (const { name, dataDir } of place.members) {
      const { databaseUrl, storage } = place
      const flags = { dataDir, databaseUrl, storage, modelsDir: join(dataDir, 'models') }
      const { found } = await examine(resolveConfig({ flags, env: {} }), mend)
      for (const { code, what, count, examples } of found) {
        const text = `${code}: ${what} (${count}: ${examples.join(', ')})`
        if (!allowed.has(code)) violations.push(`doctor about ${name}: ${text}`)
        if (mend) counts[`mended by doctor: ${code}`] = (counts[code] ?? 0) + count
      }
    }
  }
  const drafts = async () => (await filesBelow(place.disk.path)).filter(isDraft)
  counts['unfinished files of dead processes'] = (await drafts()).length
  await consult(false, HARMLESS)
  const longAgo = Date.now() / 1000 - LONG_AGO_SECONDS
  for (const path of await filesBelow(place.disk.path)) {
    const isOfIndex = /(vectors|labels)-[^/]+\.bin$/.test(path)
    if (isDraft(path) || isOfIndex) await utimes(path, longAgo, longAgo)
  }
  await consult(true, HARMLESS)
  await consult(false, new Set())
  violations.push(...(await drafts()).map((path) => `left behind: ${path}`))
  return { counts, violations }
}

async function withStore(
  { databaseUrl }: Place,
  check: (db: Database, space: VectorSpace) => Promise<Found>,
): Promise<Found> {
  const database = await openDatabase({ url: databaseUrl })
  try {
    const serving = await readServing(database.db)
    if (!serving) return { counts: {}, violations: ['no model answers'] }
    return await check(database.db, serving)
  } finally {
    await database.close()
  }
}

interface StoredFile {
  readonly content: ContentHash
  readonly vectors: number
}

/** Files that are there, with how many vectors of the model their contents have. */
async function storedFiles(db: Database, space: VectorSpace): Promise<Map<string, StoredFile[]>> {
  const found = await rows<StoredFile & { path: string }>(
    db,
    sql`select path, encode(content, 'hex') as content,
          (select count(*)::int from embeddings e where e.content = p.content
            and e.model = ${space.model} and e.recipe = ${space.recipe}) as vectors
        from paths p where missing_since is null`,
  )
  const files = new Map<string, StoredFile[]>()
  for (const { path, ...file } of found) files.set(path, [...(files.get(path) ?? []), file])
  return files
}

function isSame(a: UnitVector | undefined, b: UnitVector | undefined): boolean {
  return a !== undefined && b !== undefined && a.every((value, i) => value === b[i])
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
