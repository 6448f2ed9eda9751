// Claims on contents: several processes that embed the same pictures embed each of them once.
import { stat } from 'node:fs/promises'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import { streamOf } from '../../src/core/stream.ts'
import { processHere } from '../../src/indexer/process-files.ts'
import type { ScannedFile } from '../../src/sources/source.ts'
import { openClaims } from '../../src/store/claims.ts'
import { findContent } from '../../src/store/pictures.ts'
import { claimRoot } from '../../src/store/roots.ts'
import { claims, embeddings, paths } from '../../src/store/schema.ts'
import { describeDatabase } from '../helpers/database.ts'
import { fakeModel } from '../helpers/fake-indexing.ts'
import { newGate } from '../helpers/gate.ts'
import { makePicture } from '../helpers/noise-pictures.ts'
import { newFolder } from '../helpers/picture-folder.ts'
import { hashOf, sharedDatabase } from '../helpers/shared-store.ts'

const SPACE = { model: 'test', recipe: 'r' }

describeDatabase('claims', (newPlace) => {
  const store = sharedDatabase(newPlace)

  test('belong to who takes them first, until they are released', async () => {
    const [a, b] = [openClaims(store.db, SPACE), openClaims(store.db, SPACE)]
    expect(await a.take(hashOf('x'))).toBe(true)
    expect(await b.take(hashOf('x'))).toBe(false)
    expect(await a.take(hashOf('x')), 'again').toBe(true)
    expect(await b.take(hashOf('y'))).toBe(true)
    await a.release()
    expect(await b.take(hashOf('x'))).toBe(true)
    await b.release()
    expect(await store.db.select().from(claims)).toEqual([])
  })

  test('of another model are others', async () => {
    const [a, b] = [openClaims(store.db, SPACE), openClaims(store.db, { ...SPACE, model: 'b' })]
    expect(await a.take(hashOf('x'))).toBe(true)
    expect(await b.take(hashOf('x'))).toBe(true)
    await a.release()
    await b.release()
  })

  test('run out where nobody releases them', async () => {
    const [a, b] = [openClaims(store.db, SPACE), openClaims(store.db, SPACE)]
    await a.take(hashOf('x'))
    await store.db.update(claims).set({ until: sql`now() - interval '1 second'` })
    expect(await b.take(hashOf('x'))).toBe(true)
    await a.release()
    expect(await a.take(hashOf('x')), 'what another has taken is not released').toBe(false)
    await b.release()
  })

  test('are taken no more once they are released, not even by who has just asked', async () => {
    const [a, b] = [openClaims(store.db, SPACE), openClaims(store.db, SPACE)]
    await a.take(hashOf('x'))
    const late = a.take(hashOf('y'))
    await a.release()
    await late
    expect(await a.take(hashOf('z'))).toBe(false)
    expect(await store.db.select().from(claims)).toEqual([])
    expect(await b.take(hashOf('y'))).toBe(true)
    await b.release()
  })

  describe('in processing', () => {
    /** A processor of its own, as another process would have it. */
    function newProcessor(before = async () => {}) {
      const model = fakeModel()
      const { space, preprocess, batchSize } = model
      const embedPixels: typeof model.embedPixels = async (pictures) => {
        await before()
        return model.embedPixels(pictures)
      }
      const process = processHere(
        { db: store.db, space, preprocess, embedPixels, batchSize },
        {
          lookup: (hash) => findContent(store.db, space, hash),
          claims: () => openClaims(store.db, space),
        },
      )
      return { process, model }
    }

    test('each content is embedded once, whoever meets its copies', async () => {
      await using folder = await newFolder()
      await claimRoot(store.db, folder.path, undefined)
      const files: ScannedFile[] = []
      for (let i = 0; i < 24; i++) {
        const path = await folder.write(`${i}.png`, await makePicture(i % 12))
        const { size, mtimeMs } = await stat(path)
        files.push({ path, sizeBytes: size, mtimeMs })
      }
      const workers = [newProcessor(), newProcessor(), newProcessor()]
      let done = 0
      await Promise.all(
        workers.map(async ({ process }, at) => {
          // Each meets copies of what the others have.
          const mine = streamOf(
            files.filter((_, i) => i % workers.length === (at + (i < 12 ? 0 : 1)) % 3),
          )
          for await (const { size } of process(mine, folder.path)) done += size
        }),
      )
      expect(done).toBe(24)
      expect(workers.map(({ model }) => model.embedded).reduce((a, b) => a + b)).toBe(12)
      expect(await store.db.select().from(embeddings)).toHaveLength(12)
      expect(await store.db.select().from(paths)).toHaveLength(24)
      expect(await store.db.select().from(claims)).toEqual([])
    })

    test('what has changed meanwhile, and was written by another, is read again', async () => {
      await using folder = await newFolder()
      await claimRoot(store.db, folder.path, undefined)
      const write = async (seed: number): Promise<AsyncIterable<ScannedFile>> => {
        const path = await folder.write('a.png', await makePicture(seed))
        const { size, mtimeMs } = await stat(path)
        return streamOf([{ path, sizeBytes: size, mtimeMs }])
      }
      const [begun, held] = [newGate(), newGate()]
      const [slow, fast] = [
        newProcessor(async () => {
          begun.open()
          await held.opened
        }),
        newProcessor(),
      ]
      const drain = async (work: AsyncIterable<ScannedFile>, { process }: typeof slow) => {
        for await (const _ of process(work, folder.path)) continue
      }
      const older = drain(await write(1), slow)
      await begun.opened
      await drain(await write(2), fast)
      held.open()
      await older
      const newest = sha256(await makePicture(2))
      expect(await store.db.select({ content: paths.content }).from(paths)).toEqual([
        { content: newest },
      ])
    })
  })
})
