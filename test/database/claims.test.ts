// Claims on contents: several processes that embed the same pictures embed each of them once.
import { describe, expect, test } from 'vitest'
import type { ContentHash } from '../../src/core/hash.ts'
import { sql } from 'drizzle-orm'
import { processHere } from '../../src/indexer/process-files.ts'
import type { ScannedFile } from '../../src/sources/source.ts'
import { openClaims } from '../../src/store/claims.ts'
import { findContent } from '../../src/store/pictures.ts'
import { claimRoot } from '../../src/store/roots.ts'
import { claims, embeddings, paths } from '../../src/store/schema.ts'
import { normalize } from '../../src/core/vector.ts'
import { describeDatabase } from '../helpers/database.ts'
import { makePictureFolder } from '../helpers/picture-folder.ts'
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

  describe('in processing', () => {
    /** A processor that counts the pictures that it embeds. */
    function newProcessor() {
      const embedded: number[] = []
      const process = processHere(
        {
          db: store.db,
          space: SPACE,
          preprocess: async () => new Float32Array(3) as never,
          embedPixels: async (pixels) => {
            await new Promise((resolve) => setTimeout(resolve, 20))
            embedded.push(pixels.length)
            return pixels.map(() => normalize([1, 2, 3]))
          },
          batchSize: () => 4,
        },
        {
          lookup: (hash: ContentHash) => findContent(store.db, SPACE, hash),
          claims: openClaims(store.db, SPACE),
        },
      )
      return { process, count: () => embedded.reduce((sum, n) => sum + n, 0) }
    }

    test('each content is embedded once, whoever meets its copies', async () => {
      await using folder = await makePictureFolder({ pictures: 12, copies: 12 })
      await claimRoot(store.db, folder.path, undefined)
      const files: ScannedFile[] = folder.files
      const workers = [newProcessor(), newProcessor(), newProcessor()]
      let done = 0
      await Promise.all(
        workers.map(async ({ process }, at) => {
          const mine = files.filter((_, i) => i % workers.length === at)
          for await (const { size } of process(
            (async function* () {
              yield* mine
            })(),
            folder.path,
          )) {
            done += size
          }
        }),
      )
      expect(done).toBe(24)
      expect(workers.reduce((sum, { count }) => sum + count(), 0)).toBe(12)
      expect(await store.db.select().from(embeddings)).toHaveLength(12)
      expect(await store.db.select().from(paths)).toHaveLength(24)
      expect(await store.db.select().from(claims)).toEqual([])
    })
  })
})
