import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  mkdirSync,
  mkdtempSync,
  rmSync,
  type Stats,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { chmod, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { readHead, readPicture } from '../../src/sources/read-file.ts'

const isWindows = process.platform === 'win32'
const isRoot = process.getuid?.() === 0

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lucida-read-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function put(name: string, content: string | Uint8Array = 'some bytes'): { path: string } {
  const path = join(folder, name)
  writeFileSync(path, content)
  return { path }
}

test('a file comes back whole, with its size, time and hash', async () => {
  const content = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251))
  const file = put('whole.jpg', content)
  const read = await readPicture(file)
  expect(read.bytes.equals(content)).toBe(true)
  expect(read.sizeBytes).toBe(100_000)
  expect(read.mtimeMs).toBe(statSync(file.path).mtimeMs)
  expect(read.hash).toBe(createHash('sha256').update(content).digest('hex'))
})

test('a missing file is not found, also below a file', async () => {
  await expect(readPicture({ path: join(folder, 'none.jpg') })).rejects.toMatchObject({
    code: 'not_found',
    message: expect.stringContaining('none.jpg'),
  })
  const { path } = put('plain.jpg')
  if (isWindows) return
  await expect(readPicture({ path: join(path, 'x.jpg') })).rejects.toMatchObject({
    code: 'not_found',
  })
})

test('an empty file is a corrupt picture', async () => {
  await expect(readPicture(put('empty.jpg', ''))).rejects.toMatchObject({
    code: 'corrupt_image',
    message: expect.stringContaining('is empty'),
  })
})

test('a file above the bound is too large, one at the bound is not', async () => {
  const file = put('large.jpg', Buffer.alloc(1001))
  await expect(readPicture(file, 1000)).rejects.toMatchObject({ code: 'too_large' })
  expect((await readPicture(file, 1001)).sizeBytes).toBe(1001)
})

test('a folder is unreadable', async () => {
  const path = join(folder, 'folder.jpg')
  mkdirSync(path)
  await expect(readPicture({ path })).rejects.toMatchObject({ code: 'unreadable' })
})

test.skipIf(isWindows)('a symbolic link is not followed', async () => {
  const path = join(folder, 'link.jpg')
  symlinkSync(put('target.jpg').path, path)
  await expect(readPicture({ path })).rejects.toMatchObject({
    code: 'unreadable',
    message: 'The file is a symbolic link',
  })
})

test.skipIf(isWindows)('a pipe is refused without waiting for a writer', async () => {
  const path = join(folder, 'pipe.jpg')
  execFileSync('mkfifo', [path])
  await expect(readPicture({ path })).rejects.toMatchObject({ code: 'unreadable' })
  expect(await readHead(path, 16)).toHaveLength(0)
})

// Root may read everything, so the test shows something only for other users.
test.skipIf(isWindows || isRoot)(
  `a file without permission is unreadable${isRoot ? ' (skipped: root reads everything)' : ''}`,
  async () => {
    const file = put('secret.jpg')
    await chmod(file.path, 0)
    await expect(readPicture(file)).rejects.toMatchObject({
      code: 'unreadable',
      message: expect.stringContaining('EACCES: permission denied'),
    })
  },
)

test('a file that grows, shrinks or is rewritten during the read has changed', async () => {
  const handle = await open(put('any.jpg').path)
  const prototype = Object.getPrototypeOf(handle) as typeof handle
  await handle.close()
  const file = put('busy.jpg', 'x'.repeat(100))
  // Between the first look and the first byte read, somebody else writes.
  for (const written of ['x'.repeat(120), 'x'.repeat(50), 'y'.repeat(100)]) {
    utimesSync(file.path, 1e9, 1e9) // file systems' clocks are coarse
    const stat = Reflect.get(prototype, 'stat') as () => Promise<Stats>
    const spy = vi.spyOn(prototype, 'stat').mockImplementationOnce(async function (
      this: typeof handle,
    ) {
      const before = await Reflect.apply(stat, this, [])
      writeFileSync(file.path, written)
      return before
    })
    await expect(readPicture(file)).rejects.toMatchObject({ code: 'file_changed' })
    spy.mockRestore()
  }
  expect((await readPicture(file)).bytes.toString()).toBe('y'.repeat(100))
})

test('the head of a file is at most what was asked for', async () => {
  expect(Buffer.from(await readHead(put('head.bin', 'abcdef').path, 4)).toString()).toBe('abcd')
  expect(Buffer.from(await readHead(put('short.bin', 'ab').path, 4)).toString()).toBe('ab')
})
