// Rows of pictures that are remembered while nobody writes.
import { expect, test, vi } from 'vitest'
import { type ContentHash, sha256 } from '../../src/core/hash.ts'
import type { PictureRow } from '../../src/search/picture-table.ts'
import type { PictureSource } from '../../src/search/rank.ts'
import { rememberPictures } from '../../src/search/remembered-pictures.ts'

const hashes = Array.from({ length: 30_000 }, (_, i) => sha256(`picture ${i}`))

/** A source that has every picture. */
function everyPicture() {
  const findPictures = vi.fn(
    async (wanted: readonly ContentHash[]) =>
      new Map(wanted.map((hash) => [hash, { hash } as PictureRow])),
  )
  return { findPictures } as Partial<PictureSource> as PictureSource & {
    findPictures: typeof findPictures
  }
}

test('nothing is asked for twice', async () => {
  const source = everyPicture()
  const pictures = rememberPictures(source, () => 1)
  await pictures.findPictures(hashes.slice(0, 10))
  expect([...(await pictures.findPictures(hashes.slice(5, 15))).keys()]).toEqual(
    hashes.slice(5, 15),
  )
  expect(source.findPictures).toHaveBeenLastCalledWith(hashes.slice(10, 15))
})

test('an answer is whole, also when so many are remembered that they are forgotten', async () => {
  const pictures = rememberPictures(everyPicture(), () => 1)
  await pictures.findPictures(hashes.slice(0, 25_000))
  const asked = hashes.slice(24_990, 25_010)
  expect(new Set((await pictures.findPictures(asked)).keys())).toEqual(new Set(asked))
})

test('an answer is whole, also when others make room meanwhile', async () => {
  const source = everyPicture()
  const pictures = rememberPictures(source, () => 1)
  await pictures.findPictures(hashes.slice(0, 25_000))
  const asked = [hashes.slice(24_990, 25_010), hashes.slice(24_980, 25_030)]
  const answers = await Promise.all(asked.map((some) => pictures.findPictures(some)))
  expect(answers.map(({ size }) => size)).toEqual([20, 50])
})
