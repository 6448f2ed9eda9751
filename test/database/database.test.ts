import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { sql } from 'drizzle-orm'
import { explainAwayDatabase } from '../../src/core/errors.ts'
import { openDatabase, rows } from '../../src/store/database.ts'
import { describeDatabase } from '../helpers/database.ts'
import { until } from '../helpers/until.ts'

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

  test.each([
    'postgres://me:a@secret@127.0.0.1:1/photos',
    'postgres://me:a/secret@127.0.0.1:1/photos',
    'postgres://me:a?secret@127.0.0.1:1/photos',
    'postgres://me@127.0.0.1:1/photos?password=secret',
  ])('never says the password of %s', async (url) => {
    const error = await openDatabase({ url }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'database_unavailable' })
    expect(String(error)).not.toContain('secret')
    expect(String(error)).toContain('127.0.0.1')
  })

  if (engine === 'postgres')
    test('a connection that is cut between two statements of a transaction is an error of that transaction', async () => {
      await using place = await newPlace()
      const [database, other] = [await place.open(), await place.open()]
      const { db } = database
      const writing = db.transaction(async (tx) => {
        const [mine] = await rows<{ pid: number }>(tx, sql`select pg_backend_pid() as pid`)
        await rows(other.db, sql`select pg_terminate_backend(${mine!.pid})`)
        await until(async () => {
          const query = sql`select 1 from pg_stat_activity where pid = ${mine!.pid}`
          return (await rows(other.db, query)).length === 0
        })
        // Nobody listens to the connection now: what it says must not end the process.
        await sleep(100)
        await tx.execute(sql`select 1`)
      })
      const error = await writing.catch((thrown: unknown) => thrown)
      expect(explainAwayDatabase(error)).toMatchObject({ code: 'database_unavailable' })
      expect(await rows(db, sql`select 1 as one`)).toEqual([{ one: 1 }])
      await Promise.all([database.close(), other.close()])
    })

  if (engine === 'postgres')
    test('connections on which transactions could not begin serve others', async () => {
      await using place = await newPlace()
      const database = await place.open()
      const { db } = database
      // As good as a connection that has just been cut, and surer to happen here.
      const isolationLevel = 'no level at all' as 'serializable'
      for (let i = 0; i < 12; i++) {
        const failing = db.transaction(async () => {}, { isolationLevel })
        await expect(failing).rejects.toThrow('begin')
      }
      expect(await rows(db, sql`select 1 as one`)).toEqual([{ one: 1 }])
      await database.close()
    })
})
