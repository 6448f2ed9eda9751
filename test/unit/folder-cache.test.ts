import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openFolderCache } from '../../src/core/folder-cache.ts'
import { newFolder } from '../helpers/picture-folder.ts'

const bytes = (length: number) => new Uint8Array(length).fill(7)
const filesIn = async (path: string) =>
  (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .toSorted()

test('never grows beyond its size; what was used longest ago goes', async () => {
  await using folder = await newFolder()
  const cache = openFolderCache(folder.path, 100)
  for (const name of ['aa-1', 'bb-2', 'cc-3']) await cache.put(name, bytes(30))
  expect(await cache.get('aa-1')).toHaveLength(30)
  await cache.put('dd-4', bytes(30))
  await expect.poll(() => filesIn(folder.path)).toEqual(['aa-1', 'cc-3', 'dd-4'])
  expect(await cache.get('bb-2')).toBeNull()
})

test('counts what an earlier process has left', async () => {
  await using folder = await newFolder()
  await mkdir(folder.at('ol'))
  for (const [i, name] of ['old-1', 'old-2'].entries()) {
    await writeFile(folder.at(join('ol', name)), bytes(40))
    await utimes(folder.at(join('ol', name)), 1000 + i, 1000 + i)
  }
  const cache = openFolderCache(folder.path, 100)
  await cache.put('new-1', bytes(40))
  await expect.poll(() => filesIn(folder.path)).toEqual(['new-1', 'old-2'])
})

test('a folder that somebody deletes, or that cannot be written, does no harm', async () => {
  await using folder = await newFolder()
  const cache = openFolderCache(folder.at('cache'), 100)
  await cache.put('aa-1', bytes(10))
  await rm(folder.at('cache'), { recursive: true })
  expect(await cache.get('aa-1')).toBeNull()
  await cache.put('aa-1', bytes(10))
  expect(await cache.get('aa-1')).toHaveLength(10)
  const file = await folder.write('file', bytes(1))
  const broken = openFolderCache(file, 100)
  await broken.put('aa-1', bytes(10))
  expect(await broken.get('aa-1')).toBeNull()
})

test('what is too large for it is not kept', async () => {
  await using folder = await newFolder()
  const cache = openFolderCache(folder.path, 100)
  await cache.put('aa-1', bytes(101))
  await cache.put('bb-2', bytes(50))
  await expect.poll(() => filesIn(folder.path)).toEqual(['bb-2'])
})
