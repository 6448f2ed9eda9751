import { mkdir, readdir, readFile, rm, writeFile as writePlainly } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  readCheckedBytes,
  readCheckedJson,
  writeCheckedBytes,
  writeCheckedJson,
} from '../../src/core/checked-file.ts'
import { disk, isDraft, replaceFile } from '../../src/core/durable-file.ts'
import { explainFullDisk } from '../../src/core/errors.ts'
import {
  type Checkpoint,
  makeCheckpoint,
  readCheckpoint,
  setCheckpoint,
  spaceFolder,
} from '../../src/search/checkpoint.ts'
import { openExactIndex } from '../../src/search/exact-index.ts'
import { openPictureTable } from '../../src/search/picture-table.ts'
import { packFolder, unpackFolder } from '../../src/store/snapshot.ts'
import { DEATHS, dieAt, fullDisk, withDisk } from '../helpers/bad-disk.ts'
import { newFolder, type TestFolder } from '../helpers/picture-folder.ts'
import { hashOf, vectorOf } from '../helpers/shared-store.ts'

const IDENTITY = { storeId: 'store', model: 'm', recipe: 'r', dimension: 8 }
const row = (name: string) => ({
  hash: hashOf(name),
  paths: [`/photos/${name}.png`],
  widthPx: 8,
  heightPx: 8,
  takenAt: null,
  generated: false,
})

/** A kind of file: how version `n` of it is written, and which version is read back. */
interface Kind {
  readonly write: (folder: TestFolder, n: number) => Promise<unknown>
  readonly read: (folder: TestFolder) => Promise<number | null>
}

const kinds: Record<string, Kind> = {
  'a plain file': {
    write: (folder, n) => replaceFile(folder.at('file'), `version ${n} `.repeat(1000)),
    async read(folder) {
      const text = await readFile(folder.at('file'), 'utf8')
      const n = Number(text.split(' ')[1])
      expect(text).toBe(`version ${n} `.repeat(1000))
      return n
    },
  },
  'a file of JSON': {
    write: (folder, n) => writeCheckedJson(folder.at('file.json'), { n }),
    read: async (folder) =>
      ((await readCheckedJson(folder.at('file.json'))) as { n: number } | null)!.n,
  },
  'a file of bytes': {
    write: (folder, n) => writeCheckedBytes(folder.at('file.bin'), Buffer.alloc(5000, n)),
    read: async (folder) => (await readCheckedBytes(folder.at('file.bin')))![0]!,
  },
  'a saved index': {
    async write(folder, n) {
      const index = await openExactIndex({ identity: IDENTITY, directory: folder.at('index') })
      await index.apply([{ content: hashOf(String(n)), vector: vectorOf(String(n)) }], n)
      await index.save()
    },
    async read(folder) {
      const index = await openExactIndex({ identity: IDENTITY, directory: folder.at('index') })
      expect(index.size).toBe(index.sequence)
      return index.sequence
    },
  },
  'a checkpoint with its table': {
    async write({ path }, n) {
      const index = { kind: 'exact', sequence: n, size: n } as never
      const rows = Array.from({ length: n }, (_, i) => row(String(i)))
      const facts = { rows, drawn: [], serves: true }
      await setCheckpoint(path, await makeCheckpoint(path, IDENTITY, index, facts))
    },
    async read({ path }) {
      const standing = (await readCheckpoint(path, IDENTITY)) as Checkpoint
      const table = await openPictureTable(
        `${spaceFolder(path, IDENTITY)}/${standing.table.name}`,
        standing.table,
      )
      // The table of the checkpoint before may be gone already: the database is asked then.
      await table?.close()
      return standing.sequence
    },
  },
  'a snapshot': {
    async write(folder, n) {
      await writePlainly(folder.at('source/file'), `version ${n}`)
      await packFolder(folder.at('source'), folder.at('snapshot'), {
        storeId: 's',
        sequence: n,
        takenAt: n,
      })
    },
    async read(folder) {
      await rm(folder.at('unpacked'), { recursive: true, force: true })
      const { sequence } = await unpackFolder(folder.at('snapshot'), folder.at('unpacked'))
      expect(await readFile(folder.at('unpacked/file'), 'utf8')).toBe(`version ${sequence}`)
      return sequence
    },
  },
}

describe.each(Object.entries(kinds))('%s', (_, { write, read }) => {
  const begin = async () => {
    const folder = await newFolder()
    for (const name of ['source', 'indexes']) await mkdir(folder.at(name))
    await write(folder, 1)
    return folder
  }

  test.each(DEATHS)('is the old or the new one after a %s at any step', async (death) => {
    const seen = new Set<number | null>()
    for (let step = 0; ; step++) {
      await using folder = await begin()
      const { died } = await dieAt(step, death, () => write(folder, 2))
      const found = await read(folder)
      seen.add(found)
      expect([1, 2]).toContain(found)
      if (died) continue
      expect(found).toBe(2)
      expect(step).toBeGreaterThan(3)
      break
    }
    expect(seen).toEqual(new Set([1, 2]))
  })

  test('is the old one where the disk is full, and leaves nothing behind', async () => {
    await using folder = await begin()
    const before = await names(folder.path)
    await expect(withDisk({ write: fullDisk }, () => write(folder, 2))).rejects.toThrow('ENOSPC')
    expect((await names(folder.path)).filter(isDraft)).toEqual([])
    expect(await names(folder.path)).toEqual(before)
    expect(await read(folder)).toBe(1)
  })

  test('says of a full disk that it is full', async () => {
    await using folder = await begin()
    const failing = withDisk({ write: fullDisk }, () => write(folder, 2))
    const error = await failing.catch((thrown: unknown) => thrown)
    expect(explainFullDisk(error, 'here')).toMatchObject({ code: 'disk_full' })
  })

  test('is whole whenever it is read beside a slow writer', async () => {
    await using folder = await begin()
    const { write: fast } = disk
    let busy = true
    const slow = async (...args: Parameters<typeof fast>) => {
      await sleep(20)
      await fast(...args)
    }
    const writing = withDisk({ write: slow }, () => write(folder, 2)).finally(() => (busy = false))
    while (busy) {
      expect([1, 2]).toContain(await read(folder))
      await sleep(3)
    }
    await writing
    expect(await read(folder)).toBe(2)
  })
})

test('a file that was changed or cut short reads as none', async () => {
  await using folder = await newFolder()
  const json = folder.at('file.json')
  await writeCheckedJson(json, { a: 1 })
  await writePlainly(json, (await readFile(json, 'utf8')).replace('1', '2'))
  expect(await readCheckedJson(json)).toBeNull()
  const bytes = folder.at('file.bin')
  await writeCheckedBytes(bytes, Buffer.from('abc'))
  await writePlainly(bytes, (await readFile(bytes)).subarray(0, -1))
  expect(await readCheckedBytes(bytes)).toBeNull()
})

test('a row of a table of pictures that was changed is refused', async () => {
  await using folder = await newFolder()
  const index = { kind: 'exact', sequence: 1, size: 1 } as never
  const facts = { rows: [row('a')], drawn: [], serves: true }
  const { table } = await makeCheckpoint(folder.path, IDENTITY, index, facts)
  const path = `${spaceFolder(folder.path, IDENTITY)}/${table.name}`
  const opened = async () => (await openPictureTable(path, table))!
  const sound = await opened()
  expect((await sound.find([hashOf('a')])).get(hashOf('a'))!.paths).toEqual(['/photos/a.png'])
  await sound.close()
  const text = (await readFile(path)).toString('latin1').replace('/photos/a.', '/photos/b.')
  await writePlainly(path, text, 'latin1')
  const spoilt = await opened()
  await expect(spoilt.find([hashOf('a')])).rejects.toMatchObject({ code: 'index_stale' })
  await spoilt.close()
})

async function names(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).toSorted()
}
