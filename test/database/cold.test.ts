// A cold search answers exactly what an open Lucida answers, or leaves the question to it.
import { copyFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { searchCold } from '../../src/cold-search.ts'
import { type Config, resolveConfig } from '../../src/config.ts'
import { openLucida, type SearchAnswer } from '../../src/lucida.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { makePicture } from '../helpers/noise-pictures.ts'
import { newFolder, type TestFolder } from '../helpers/picture-folder.ts'

describeDatabase('a cold search', (newPlace, engine) => {
  const configOf = ({ dataDir, databaseUrl }: TestPlace): Config =>
    resolveConfig({ flags: { dataDir, databaseUrl }, env: {} })

  const cold = (place: TestPlace, text = 'something blue') =>
    searchCold(configOf(place), [{ text }], { limit: 3 }, false)

  async function index(place: TestPlace, folder: TestFolder, prune = false): Promise<void> {
    const { dataDir, databaseUrl } = place
    const lucida = await openLucida({ dataDir, databaseUrl })
    for await (const event of lucida.index([folder.path], { prune })) {
      if (event.type === 'failure') throw new Error(event.reason)
    }
    await lucida.close()
  }

  async function newCollection() {
    const place = await newPlace()
    const folder = await newFolder()
    for (const name of ['a', 'b', 'c', 'd'])
      await folder.write(`${name}.png`, await makePicture(name))
    await index(place, folder)
    return {
      place,
      folder,
      [Symbol.asyncDispose]: async () => {
        await place[Symbol.asyncDispose]()
        await folder[Symbol.asyncDispose]()
      },
    }
  }

  if (engine === 'postgres') {
    test('is no answer on a server, which others may be writing to', async () => {
      await using collection = await newCollection()
      expect(await cold(collection.place)).toBeNull()
    })
    return
  }

  test('gives what an open Lucida gives, while another process owns the database', async () => {
    await using collection = await newCollection()
    const { place, folder } = collection
    const lucida = await openLucida({ dataDir: place.dataDir })
    const warm = await lucida.search([{ text: 'something blue' }], { limit: 3 })
    const like = await lucida.similar({ path: folder.at('a.png') })
    const answer = await cold(place)
    expect(answer).toEqual(asCold(warm))
    const similar = await searchCold(configOf(place), [{ path: folder.at('a.png') }], {}, true)
    expect(similar).toEqual(asCold(like))
    await lucida.close()
  })

  test('knows copies, and what left, after the next run', async () => {
    await using collection = await newCollection()
    const { place, folder } = collection
    await copyFile(folder.at('a.png'), folder.at('a-copy.png'))
    await folder.remove('b.png')
    await index(place, folder)
    const paths = (await cold(place, 'x'))!.results.flatMap((result) => result.paths)
    expect(paths.toSorted()).toEqual(
      ['a-copy.png', 'a.png', 'c.png', 'd.png'].map((name) => folder.at(name)),
    )
  })

  test('holds after a run that changes nothing, without writing the table again', async () => {
    await using collection = await newCollection()
    const { place, folder } = collection
    const tables = async () =>
      (await readdir(place.dataDir, { recursive: true })).filter((name) => name.endsWith('.table'))
    const before = await tables()
    await index(place, folder)
    expect(await cold(place)).not.toBeNull()
    expect(await tables()).toEqual(before)
    expect(before).toHaveLength(1)
  })

  test('is no answer while a run is under way, or after one that was cut off', async () => {
    await using collection = await newCollection()
    const { place, folder } = collection
    await folder.write('e.png', await makePicture('e'))
    const lucida = await openLucida({ dataDir: place.dataDir })
    for await (const event of lucida.index([folder.path])) {
      if (event.type === 'start') expect(await cold(place)).toBeNull()
    }
    expect((await cold(place))?.searched).toBe(5)
    await lucida.remove(folder.path)
    expect(await cold(place)).toBeNull()
    await lucida.close()
  })

  test.each(['.table', 'header.json', '.bin'])('is no answer without its %s', async (ending) => {
    await using collection = await newCollection()
    const { place } = collection
    for (const name of await readdir(place.dataDir, { recursive: true })) {
      const isIndexFile = name.startsWith('indexes') && name.endsWith(ending)
      if (isIndexFile) await writeFile(join(place.dataDir, name), 'damaged')
    }
    expect(await cold(place)).toBeNull()
  })

  test('is no answer where the index is found wrong while the query is read', async () => {
    await using collection = await newCollection()
    const { place } = collection
    const header = (await readdir(place.dataDir, { recursive: true })).find((name) =>
      name.endsWith('header.json'),
    )
    await writeFile(join(place.dataDir, header!), 'damaged')
    // Takes a hundred turns to hash. What follows a PNG's last chunk is no part of it.
    const picture = Buffer.concat([await makePicture('large'), Buffer.alloc(200_000_000)])
    const unhandled = vi.fn<(reason: unknown) => void>()
    process.on('unhandledRejection', unhandled)
    try {
      expect(await searchCold(configOf(place), [{ picture }], {}, false)).toBeNull()
    } finally {
      process.off('unhandledRejection', unhandled)
    }
    expect(unhandled).not.toHaveBeenCalled()
  })

  test('is no answer for another kind of index, and comes back when its files are lost', async () => {
    await using collection = await newCollection()
    const { place } = collection
    const hnsw = { ...configOf(place), vectorIndex: 'hnsw' } as const
    expect(await searchCold(hnsw, [{ text: 'x' }], {}, false)).toBeNull()
    await rm(join(place.dataDir, 'indexes'), { recursive: true })
    expect(await cold(place)).toBeNull()
    const lucida = await openLucida({ dataDir: place.dataDir })
    await lucida.search([{ text: 'x' }])
    await lucida.close()
    expect(await cold(place)).not.toBeNull()
  })
})

/** What a search without the database says: everything but the placeholders. */
function asCold(answer: SearchAnswer) {
  const results = answer.results.map((result) => ({ ...result, thumbHash: null }))
  return { ...answer, tookMs: expect.any(Number), results }
}
