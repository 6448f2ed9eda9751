import { utimes } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { waitAfterFailure, waitFor } from '../../src/indexer/patience.ts'
import { newFolder } from '../helpers/picture-folder.ts'

const PATIENCE = { beforeReadMs: 2_000, beforeFailureMs: 30_000 }

test('a file is waited for until its last write is long enough ago', () => {
  const writtenAgo = (ms: number) => waitFor({ mtimeMs: Date.now() - ms }, 2_000)
  expect(writtenAgo(2_000)).toBe(0)
  expect(writtenAgo(86_400_000)).toBe(0)
  expect(writtenAgo(500)).toBeGreaterThan(1_400)
  expect(writtenAgo(500)).toBeLessThanOrEqual(1_500)
  // Clocks that differ by a little, and by so much that there is nothing to wait for.
  expect(writtenAgo(-500)).toBeGreaterThan(2_400)
  expect(writtenAgo(-2_100)).toBe(0)
  expect(waitFor({ mtimeMs: Date.now() })).toBe(0)
})

test('a failure is judged by what the file is now, not by what it was when it was found', async () => {
  await using folder = await newFolder()
  const path = await folder.write('emptied.png', new Uint8Array())
  const wait = (code: string) => waitAfterFailure({ path, code }, PATIENCE)
  expect(await wait('corrupt_image')).toBeGreaterThan(20_000)
  await utimes(path, 1, 1)
  expect(await wait('corrupt_image')).toBe(0)
  expect(await wait('file_changed')).toBe(2_000)
  await folder.remove('emptied.png')
  expect(await wait('corrupt_image')).toBe(2_000)
  expect(await waitAfterFailure({ path, code: 'file_changed' }, undefined)).toBe(0)
})
