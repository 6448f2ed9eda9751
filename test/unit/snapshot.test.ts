// A snapshot that cannot be read fails where it is asked for, and ends nothing else.
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ByteSource, packFolder, readHeader, unpackFolder } from '../../src/store/snapshot.ts'

let scratch: string
const at = (name: string) => join(scratch, name)
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'lucida-snapshot-'))
})
afterEach(() => rm(scratch, { recursive: true, force: true }))

test('one that cannot be read says nothing of itself, and is not unpacked', async () => {
  // Opens and cannot be read, as on a failing disk, whoever asks.
  await mkdir(at('snapshot'))
  expect(await readHeader(at('snapshot'))).toBeNull()
  await expect(unpackFolder(at('snapshot'), at('unpacked'))).rejects.toMatchObject({
    code: 'EISDIR',
  })
})

test.runIf(process.platform === 'linux')('one that is spoilt leaves no file open', async () => {
  await mkdir(at('folder'))
  await writeFile(at('folder/file'), Buffer.alloc(1 << 20))
  await packFolder(at('folder'), at('snapshot'), { storeId: 's', sequence: 1, takenAt: 0 })
  await writeFile(at('spoilt'), Buffer.alloc(1 << 20))
  const openFiles = async () => (await readdir('/proc/self/fd')).length
  const before = await openFiles()
  for (let i = 0; i < 20; i++) {
    await expect(unpackFolder(at('spoilt'), at('unpacked'))).rejects.toThrow()
    await expect(unpackFolder(at('snapshot'), at('spoilt/folder'))).rejects.toThrow()
  }
  // Closing takes a moment; what leaks never ends.
  await expect.poll(openFiles).toBeLessThan(before + 5)
})

test('one whose header never ends is not read to its end', async () => {
  let read = 0
  async function* endless() {
    for (; read < 100; read++) yield Buffer.alloc(1 << 20, 'x')
  }
  await expect(new ByteSource(endless()).line()).rejects.toThrow('has no header')
  expect(read).toBeLessThan(20)
})
