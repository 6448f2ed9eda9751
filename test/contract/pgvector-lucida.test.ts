// The whole program with its index on the database server: what is found is what the exact index
// finds, and processes that share the server see each other's pictures.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLucida } from '../../src/lucida.ts'
import { indexAll, writeDrawings } from '../helpers/open-lucida.ts'
import { type VectorDatabase, vectorEngines } from '../helpers/pgvector.ts'
import { drawPicture } from '../helpers/noise-pictures.ts'
import { newFolder, type TestFolder } from '../helpers/picture-folder.ts'

for (const { name, open, skipped } of vectorEngines.filter(
  (engine) => !engine.name.startsWith('PGlite'),
)) {
  const title = `Lucida with pgvector on ${name}${skipped ? ` (skipped: ${skipped})` : ''}`
  describe.skipIf(skipped)(title, () => {
    let database: VectorDatabase
    let photos: TestFolder
    let data: TestFolder
    beforeAll(async () => {
      database = await open()
      photos = await newFolder()
      data = await newFolder()
    })
    afterAll(async () => {
      await database[Symbol.asyncDispose]()
      await photos[Symbol.asyncDispose]()
      await data[Symbol.asyncDispose]()
    })

    test('finds what the exact index finds, for every process, with filters and pages', async () => {
      const drawings = await writeDrawings(photos)
      await photos.write(
        'round/ball.png',
        await drawPicture('#ffffff', '<circle cx="40" cy="40" r="20" fill="red"/>'),
      )
      const openWith = (vectorIndex: 'pgvector' | 'pgvector-binary' | 'exact') =>
        openLucida({
          dataDir: data.path,
          databaseUrl: database.url,
          model: 'lucida-clip-1',
          threads: 1,
          vectorIndex,
        })
      const [one, other, exact] = [
        await openWith('pgvector'),
        await openWith('pgvector-binary'),
        await openWith('exact'),
      ]
      try {
        await indexAll(one, [photos.path])
        expect(await one.status()).toMatchObject({
          index: 'pgvector',
          searchable: drawings.length + 1,
        })
        for (const options of [{}, { filter: { folder: `${photos.path}/round` } }, { limit: 3 }]) {
          const expected = await exact.search([{ text: 'a red circle' }], options)
          for (const lucida of [one, other]) {
            const { results, matching, searched } = await lucida.search(
              [{ text: 'a red circle' }],
              options,
            )
            expect(results.map(({ id }) => id)).toEqual(expected.results.map(({ id }) => id))
            expect({ matching, searched }).toEqual({
              matching: expected.matching,
              searched: expected.searched,
            })
          }
        }
        await photos.remove('round/ball.png')
        await indexAll(other, [photos.path])
        const { searched } = await one.search([{ text: 'a red circle' }])
        expect(searched).toBe(drawings.length)
      } finally {
        for (const lucida of [one, other, exact]) await lucida.close()
      }
    })
  })
}
