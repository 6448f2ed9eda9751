// A change of model while searches go on: no answer fails, and none is made of two models; killed, it
// goes on; and there is a way back.
import { spawn } from 'node:child_process'
import { once as heard } from 'node:events'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { searchCold } from '../../src/cold-search.ts'
import { resolveConfig } from '../../src/config.ts'
import { once } from '../../src/core/once.ts'
import { normalize } from '../../src/core/vector.ts'
import { type FillEvent, type Lucida, openLucida, type SearchAnswer } from '../../src/lucida.ts'
import { openExactIndex } from '../../src/search/exact-index.ts'
import { syncIndex } from '../../src/search/sync.ts'
import { lastSequence } from '../../src/store/changes.ts'
import { deletePaths, markMissing } from '../../src/store/paths.ts'
import { insertVectors, writeFilled } from '../../src/store/vectors.ts'
import { noteServing, readServing } from '../../src/store/serving.ts'
import { ALTERED, writeAlteredModel } from '../helpers/altered-model.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { makeBlobs } from '../helpers/noise-pictures.ts'
import { indexAll } from '../helpers/open-lucida.ts'
import { newFolder } from '../helpers/picture-folder.ts'
import { hashOf, sharedDatabase, storedFile, vectorOf } from '../helpers/shared-store.ts'
import { writeBatch } from '../../src/store/pictures.ts'

const FIRST = 'lucida-clip-1'
const QUERIES = ['something blue', 'a dog', 'soft colours', 'green and red']
const CHILD = fileURLToPath(new URL('../helpers/fill-child.ts', import.meta.url))

describeDatabase('a change of model', (newPlace, engine) => {
  let modelsDir: string
  beforeAll(async () => {
    modelsDir = await mkdtemp(join(tmpdir(), 'lucida-models-'))
    await writeAlteredModel(modelsDir)
  })
  afterAll(() => rm(modelsDir, { recursive: true }))

  const settings = ({ dataDir, databaseUrl }: TestPlace) => ({
    dataDir,
    databaseUrl,
    modelsDir,
    vectorIndex: 'exact' as const,
    threads: 1,
  })
  const open = (place: TestPlace, more = {}) => openLucida({ ...settings(place), ...more })

  async function newCollection(pictures = 12) {
    const place = await newPlace()
    const folder = await newFolder()
    for (let i = 0; i < pictures; i++) await folder.write(`${i}.png`, await makeBlobs(i))
    const lucida = await open(place)
    await indexAll(lucida, [folder.path])
    const close = once(() => lucida.close())
    return {
      place,
      folder,
      lucida,
      close,
      [Symbol.asyncDispose]: async () => {
        await close()
        await folder[Symbol.asyncDispose]()
        await place[Symbol.asyncDispose]()
      },
    }
  }

  /** What an answer says, without how long it took. */
  const said = ({ model, searched, results }: SearchAnswer) => ({
    model,
    searched,
    results: results.map(({ id, score }) => ({ id, score })),
  })
  /** The same answer: texts that were encoded together differ from one alone in the last digits. */
  const like = (answer: ReturnType<typeof said>) => ({
    ...answer,
    results: answer.results.map(({ id, score }) => {
      return { id, score: expect.closeTo(score, 6) as number }
    }),
  })
  const ask = async (lucida: Lucida, text: string) =>
    said(await lucida.search([{ text }], { limit: 5 }))
  const askAll = (lucida: Lucida) => Promise.all(QUERIES.map((text) => ask(lucida, text)))

  test('answers from one model at a time while another is filled, and from that one then', async () => {
    await using collection = await newCollection()
    const { lucida, place } = collection
    const before = await askAll(lucida)
    const answers: { query: number; answer: ReturnType<typeof said> }[] = []
    const events: FillEvent[] = []
    let over = false
    const searching = Array.from({ length: 4 }, async (_, worker) => {
      for (let i = worker; !over; i++) {
        const query = i % QUERIES.length
        answers.push({ query, answer: await ask(lucida, QUERIES[query]!) })
        // What is all remembered takes no turn of the event loop.
        await nextTurn()
      }
    })
    const begun = await lucida.models.use(ALTERED)
    expect(begun.serving).toMatchObject({ model: FIRST, filled: 12 })
    expect(begun.change).toMatchObject({ model: ALTERED, filled: 0, pictures: 12 })
    await lucida.models.carryOut({ onEvent: (event) => events.push(event) })
    over = true
    await Promise.all(searching)

    expect(events.at(-1)).toEqual({ type: 'switched', model: ALTERED, previous: FIRST })
    const after = await askAll(lucida)
    expect(after.map(({ model }) => model)).toEqual(QUERIES.map(() => ALTERED))
    // They differ, or nothing here would show a mixture.
    for (const [i, answer] of after.entries()) {
      expect(answer.results).not.toEqual(like(before[i]!).results)
    }
    expect(answers.length).toBeGreaterThan(10)
    for (const { query, answer } of answers) {
      const expected = answer.model === FIRST ? before[query]! : after[query]!
      expect(answer).toEqual(like(expected))
    }
    expect(lucida.model.name).toBe(ALTERED)
    expect(await lucida.models.status()).toMatchObject({
      serving: { model: ALTERED, pictures: 12, filled: 12, failed: 0 },
      previous: FIRST,
      change: null,
      trouble: null,
    })
    if (engine === 'pglite') {
      const config = resolveConfig({ flags: settings(place), env: {} })
      const cold = await searchCold(config, [{ text: QUERIES[0]! }], { limit: 5 }, false)
      expect(said(cold!)).toEqual(like(after[0]!))
    }
  })

  test('finds what is indexed meanwhile before it switches', async () => {
    await using collection = await newCollection()
    const { lucida, folder } = collection
    await lucida.models.use(ALTERED)
    let indexing: Promise<unknown> | undefined
    for (let i = 0; i < 5; i++) await folder.write(`late-${i}.png`, await makeBlobs(`late ${i}`))
    await lucida.models.carryOut({
      onEvent: () => void (indexing ??= indexAll(lucida, [folder.path])),
    })
    await indexing
    // A run that was under way at the moment of the switch has used the model before it.
    await lucida.models.carryOut()
    expect((await lucida.models.status()).serving).toMatchObject({ model: ALTERED, filled: 17 })
    expect((await ask(lucida, 'x')).searched).toBe(17)
  })

  test('goes back at once, and forward again without work', async () => {
    await using collection = await newCollection()
    const { lucida, folder } = collection
    const before = await askAll(lucida)
    await lucida.models.use(ALTERED)
    await lucida.models.carryOut()
    const after = await askAll(lucida)
    expect((await lucida.models.rollback()).serving.model).toBe(FIRST)
    expect(await askAll(lucida)).toEqual(before.map(like))
    await lucida.models.rollback()
    expect(await askAll(lucida)).toEqual(after.map(like))

    // Pictures that came since are there as soon as they are filled in.
    await folder.write('late.png', await makeBlobs('late'))
    await indexAll(lucida, [folder.path])
    await lucida.models.rollback()
    expect((await ask(lucida, 'x')).searched).toBe(12)
    await lucida.models.carryOut()
    expect((await ask(lucida, 'x')).searched).toBe(13)
  })

  test('rests while it is paused, also for the next process, and then goes on', async () => {
    await using collection = await newCollection(3)
    const { lucida, place } = collection
    await lucida.models.use(ALTERED)
    await lucida.models.pause()
    await lucida.models.carryOut()
    expect((await lucida.models.status()).change).toMatchObject({ state: 'paused', filled: 0 })
    await collection.close()
    const again = await open(place)
    await again.models.carryOut()
    expect((await again.models.status()).change).toMatchObject({ state: 'paused', filled: 0 })
    await again.models.resume()
    await again.models.carryOut()
    expect(again.model.name).toBe(ALTERED)
    await again.close()
  })

  test('is ended by the model that answers, and keeps what it has made', async () => {
    await using collection = await newCollection(3)
    const { lucida } = collection
    await lucida.models.use(ALTERED)
    expect((await lucida.models.use(FIRST)).change).toBeNull()
    await lucida.models.carryOut()
    expect(lucida.model.name).toBe(FIRST)
    await expect(lucida.models.pause()).rejects.toMatchObject({ code: 'bad_input' })
    await expect(lucida.models.rollback()).rejects.toMatchObject({ code: 'bad_input' })
  })

  test('is not held up by pictures that cannot be read, and tells them', async () => {
    await using collection = await newCollection(4)
    const { lucida, folder } = collection
    await writeFile(folder.at('1.png'), await makeBlobs('another'))
    await rm(folder.at('2.png'))
    await lucida.models.use(ALTERED)
    await lucida.models.carryOut()
    const { serving } = await lucida.models.status()
    expect(serving).toMatchObject({ model: ALTERED, pictures: 4, filled: 2, failed: 2 })
    const failures = await lucida.models.failures(10)
    expect(failures.map(({ path, code }) => [path, code])).toEqual([
      [folder.at('1.png'), 'file_changed'],
      [folder.at('2.png'), 'not_found'],
    ])
  })

  test('waits for a drive that is away, unless it is told not to', async () => {
    await using collection = await newCollection(3)
    const { lucida, folder } = collection
    const elsewhere = `${folder.path}-away`
    await rename(folder.path, elsewhere)
    const events: FillEvent[] = []
    await lucida.models.use(ALTERED)
    await lucida.models.carryOut({ onEvent: (event) => events.push(event) })
    expect(events.at(-1)).toEqual({ type: 'waiting', model: ALTERED, away: 3 })
    const waiting = await lucida.models.status()
    expect(waiting).toMatchObject({ serving: { model: FIRST }, change: { state: 'waiting' } })
    expect((await lucida.models.use(ALTERED, { now: true })).serving).toMatchObject({
      model: ALTERED,
      filled: 0,
    })
    await rename(elsewhere, folder.path)
    await lucida.models.carryOut()
    expect((await ask(lucida, 'x')).searched).toBe(3)
  })

  test('reads what lies on a drive that is away from where else it lies', async () => {
    await using collection = await newCollection(3)
    const { lucida, folder } = collection
    await using copies = await newFolder()
    for (let i = 0; i < 3; i++) await copies.write(`${i}.png`, await makeBlobs(i))
    await indexAll(lucida, [copies.path])
    // The one that is asked first.
    const [first] = [folder.path, copies.path].toSorted()
    await rename(first!, `${first}-away`)
    await lucida.models.use(ALTERED)
    await lucida.models.carryOut()
    const { serving } = await lucida.models.status()
    await rename(`${first}-away`, first!)
    expect(serving).toMatchObject({ model: ALTERED, filled: 3, failed: 0 })
  })

  test('vectors are dropped on request only, and not those in use', async () => {
    await using collection = await newCollection(3)
    const { lucida } = collection
    await lucida.models.use(ALTERED)
    await expect(lucida.models.drop(ALTERED)).rejects.toMatchObject({ code: 'bad_input' })
    await lucida.models.carryOut()
    const { stored } = await lucida.models.status()
    expect(stored.map(({ model, vectors }) => [model, vectors])).toEqual([
      [ALTERED, 3],
      [FIRST, 3],
    ])
    await expect(lucida.models.drop(ALTERED)).rejects.toMatchObject({ code: 'bad_input' })
    expect(await lucida.models.drop(FIRST)).toBe(3)
    await expect(lucida.models.drop(FIRST)).rejects.toMatchObject({ code: 'not_found' })
    expect((await lucida.models.status()).previous).toBeNull()
    expect((await ask(lucida, 'x')).searched).toBe(3)
  })

  test('does not concern a process whose model was set', async () => {
    await using collection = await newCollection(3)
    const { lucida, place } = collection
    await lucida.models.use(ALTERED)
    await lucida.models.carryOut()
    await collection.close()
    const pinned = await open(place, { model: FIRST })
    expect((await ask(pinned, 'x')).model).toBe(FIRST)
    expect(await pinned.models.status()).toMatchObject({ pinned: true, serving: { model: FIRST } })
    for (const refused of [pinned.models.use(ALTERED), pinned.models.rollback()]) {
      await expect(refused).rejects.toMatchObject({ code: 'bad_input' })
    }
    await pinned.close()
    const free = await open(place)
    expect((await ask(free, 'x')).model).toBe(ALTERED)
    await free.close()
  })

  test('the first model that a collection is indexed with is its own', async () => {
    const place = await newPlace()
    const folder = await newFolder()
    await folder.write('a.png', await makeBlobs('a'))
    const pinned = await open(place, { model: ALTERED })
    await indexAll(pinned, [folder.path])
    await pinned.close()
    const free = await open(place)
    expect(await ask(free, 'x')).toMatchObject({ model: ALTERED, searched: 1 })
    await free.close()
    await folder[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
  })

  test('goes on after a kill, and loses nothing that was written', async () => {
    await using collection = await newCollection(60)
    const { lucida, place } = collection
    await lucida.models.use(ALTERED)
    await collection.close()
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', CHILD, JSON.stringify(settings(place))],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let text = ''
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      text += chunk.toString()
      if (/^filled [1-9]/m.test(text)) break
    }
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await heard(child, 'exit')
    const filled = Number(
      text
        .match(/^filled (\d+)/gm)!
        .at(-1)!
        .slice(7),
    )
    const again = await open(place)
    const { serving, change } = await again.models.status()
    expect(serving.model).toBe(FIRST)
    expect(change!.filled).toBeGreaterThanOrEqual(filled)
    await again.models.carryOut()
    expect((await again.models.status()).serving).toMatchObject({ model: ALTERED, filled: 60 })
    expect((await ask(again, 'x')).searched).toBe(60)
    await again.close()
  })

  if (engine === 'postgres')
    test('is followed by other processes, without a failed or mixed answer', async () => {
      await using collection = await newCollection()
      const { lucida, place } = collection
      const other = await open({ ...place, dataDir: join(place.dataDir, 'other') })
      const before = await askAll(other)
      await lucida.models.use(ALTERED)
      await lucida.models.carryOut()
      const after = await askAll(lucida)
      let answer = before[0]!
      while (answer.model === FIRST) {
        expect(answer).toEqual(like(before[0]!))
        await sleep(20)
        answer = await ask(other, QUERIES[0]!)
      }
      expect(answer).toEqual(like(after[0]!))
      await other.close()
      // One that does not have the model goes on with its own, and says why.
      await lucida.models.rollback()
      const poor = await open(
        { ...place, dataDir: join(place.dataDir, 'poor') },
        { modelsDir: place.dataDir },
      )
      await lucida.models.rollback()
      while ((await poor.models.status()).trouble === null) {
        expect(await ask(poor, QUERIES[0]!)).toEqual(like(before[0]!))
        await sleep(20)
      }
      expect((await poor.models.status()).trouble).toContain(`${FIRST} still answers here`)
      await poor.close()
    })
})

describeDatabase('a collection from before models could be changed', (newPlace) => {
  const shared = sharedDatabase(newPlace)
  const migrate = async () => {
    const file = new URL('../../migrations/0004_models.sql', import.meta.url)
    const statements = (await readFile(file, 'utf8')).split('--> statement-breakpoint')
    await shared.db.execute(sql.raw(statements.at(-1)!))
  }
  const write = (model: string, names: readonly string[]) =>
    writeBatch(
      shared.db,
      { model, recipe: 'first' },
      { files: names.map((name) => storedFile(name)), failures: [] },
    )

  test.each([
    ['the built-in one, which answered unless told otherwise', FIRST, ['cat']],
    ['else the one that it was indexed with most', 'large', []],
  ])('has %s', async (_, expected, first) => {
    await write('small', ['cat'])
    await write('large', ['cat', 'dog'])
    await write(FIRST, first)
    await migrate()
    expect(await readServing(shared.db)).toMatchObject({ model: expected, next: null })
  })

  test('has none where nothing was indexed', async () => {
    await migrate()
    expect(await readServing(shared.db)).toBeNull()
  })
})

describeDatabase('vectors that do not fit', (newPlace) => {
  const shared = sharedDatabase(newPlace)
  const space = { model: 'clip', recipe: 'first', dimension: vectorOf('cat').length }

  test('are refused before they reach the database', async () => {
    await noteServing(shared.db, space)
    await writeBatch(
      shared.db,
      { ...space, recipe: 'none' },
      { files: [storedFile('cat')], failures: [] },
    )
    const vectors = [{ content: hashOf('cat'), vector: normalize([1, 2, 3]) }]
    await expect(writeFilled(shared.db, space, { vectors, failures: [] })).rejects.toMatchObject({
      code: 'dimension_mismatch',
    })
  })

  test('of a model that nobody wants any more are not written', async () => {
    await noteServing(shared.db, space)
    expect((await readServing(shared.db))!.model).toBe('clip')
    await writeBatch(shared.db, space, { files: [storedFile('cat')], failures: [] })
    const vectors = [{ content: hashOf('cat'), vector: vectorOf('cat') }]
    for (const other of [{ model: 'other' }, { recipe: 'second' }]) {
      const into = { ...space, ...other }
      expect(await writeFilled(shared.db, into, { vectors, failures: [] })).toBe(false)
    }
    // What no table holds is left out.
    const gone = [{ content: hashOf('dog'), vector: vectorOf('dog') }]
    expect(await writeFilled(shared.db, space, { vectors: gone, failures: [] })).toBe(true)
    const before = await lastSequence(shared.db)
    await insertVectors(shared.db, space, vectors)
    expect(await lastSequence(shared.db)).toBe(before)
  })

  test('of a picture that went while it was read are not written: it may be forgotten', async () => {
    await noteServing(shared.db, space)
    const cat = storedFile('cat')
    await writeBatch(shared.db, { ...space, recipe: 'none' }, { files: [cat], failures: [] })
    await markMissing(shared.db, [cat.path], true)
    const vectors = [{ content: cat.hash, vector: vectorOf('cat') }]
    expect(await writeFilled(shared.db, space, { vectors, failures: [] })).toBe(true)
    const index = await openExactIndex({ identity: { storeId: 'any', ...space } })
    expect(await syncIndex(shared.db, space, index)).toBe(true)
    await deletePaths(shared.db, '/photos', 'missing')
    // The feed has not become shorter than what the index has seen of it.
    expect(await syncIndex(shared.db, space, index)).toBe(true)
    expect(index.size).toBe(0)
  })
})
