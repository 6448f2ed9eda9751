import { expect, test } from 'vitest'
import { sql } from 'drizzle-orm'
import { openDatabase, rows } from '../../src/store/database.ts'
import { describeDatabase } from '../helpers/database.ts'

describeDatabase('database', (newPlace, engine) => {
  test('keeps its identity when opened again', async () => {
    await using place = await newPlace()
    const first = await place.open()
    await first.close()
    const second = await place.open()
    expect(second.storeId).toBe(first.storeId)
    expect(second.engine).toBe(engine)
    await second.close()
  })

  test('is refused when a newer version has migrated it', async () => {
    await using place = await newPlace()
    const database = await place.open()
    await rows(
      database.db,
      sql`insert into drizzle.__drizzle_migrations (hash, created_at) values ('future', 9999999999999)`,
    )
    await database.close()
    await expect(place.open()).rejects.toMatchObject({
      code: 'database_unavailable',
      message: expect.stringContaining('newer version'),
    })
  })

  if (engine === 'pglite')
    test('a second owner is told that it is busy', async () => {
      await using place = await newPlace()
      const database = await place.open()
      await expect(place.open()).rejects.toMatchObject({ code: 'database_busy' })
      await database.close()
      await (await place.open()).close()
    })

  if (engine === 'postgres')
    test('several processes may migrate an empty database at once', async () => {
      await using place = await newPlace()
      const opened = await Promise.all([place.open(), place.open(), place.open()])
      expect(new Set(opened.map(({ storeId }) => storeId)).size).toBe(1)
      await Promise.all(opened.map((database) => database.close()))
    })

  if (engine === 'postgres')
    test('a server that does not answer is an error that names it', async () => {
      const opening = openDatabase({ url: 'postgres://me:secret@127.0.0.1:1/photos' })
      await expect(opening).rejects.toMatchObject({
        code: 'database_unavailable',
        message: expect.stringMatching(/127\.0\.0\.1:1\/photos: .*ECONNREFUSED/),
      })
      await expect(opening).rejects.not.toThrow(/secret/)
    })
})
