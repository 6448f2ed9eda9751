// Paths, dates, sizes and places as the page writes them.
import { describe, expect, test } from 'vitest'
import type { ImageDetail } from '../../src/api/contract.ts'
import {
  agoText,
  cameraText,
  countText,
  dateText,
  fileName,
  folderName,
  mapUrl,
  placeText,
  recordFacts,
  sizeText,
} from '../../src/web/describe.ts'
import { ApiError } from '../../src/client/client.ts'
import { troubleOf } from '../../src/web/trouble.ts'

test.each([
  ['/photos/2024/red car.jpg', 'red car.jpg', '/photos/2024'],
  ['C:\\Photos\\red.jpg', 'red.jpg', 'C:\\Photos'],
  ['/red.jpg', 'red.jpg', '/'],
])('%s lies in its folder', (path, name, folder) => {
  expect(fileName(path)).toBe(name)
  expect(folderName(path)).toBe(folder)
})

test('the time at the camera is not moved to the time zone of who looks', () => {
  expect(dateText('2024-07-14T18:30:00')).toBe('14 July 2024 at 18:30')
  expect(dateText('long ago')).toBe('long ago')
})

test.each([
  [812, '812 bytes'],
  [67_400, '67 kB'],
  [12_345_678, '12.3 MB'],
])('%i bytes are %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text)
})

test('one is not many', () => {
  expect(countText(1, 'picture')).toBe('1 picture')
  expect(countText(12_345, 'picture')).toBe('12,345 pictures')
  expect(countText(2, 'copy', 'copies')).toBe('2 copies')
})

test.each([
  ['NIKON CORPORATION', 'NIKON D850', 'NIKON D850'],
  ['Canon', 'Canon EOS 5D', 'Canon EOS 5D'],
  [null, 'X100', 'X100'],
  ['Leica', null, 'Leica'],
  [null, null, null],
])('the camera %s %s', (cameraMake, cameraModel, text) => {
  expect(cameraText({ cameraMake, cameraModel } as ImageDetail)).toBe(text)
})

test('a place south and west', () => {
  expect(placeText(-33.86, -70.5)).toBe('33.8600° S, 70.5000° W')
  expect(mapUrl(-33.86, -70.5)).toBe(
    'https://www.openstreetmap.org/?mlat=-33.86&mlon=-70.5#map=14/-33.86/-70.5',
  )
})

test.each([
  [10_000, 'just now'],
  [60_000, '1 minute ago'],
  [3 * 3_600_000, '3 hours ago'],
  [49 * 3_600_000, '2 days ago'],
])('%i ms before now is %s', (before, text) => {
  const now = Date.parse('2026-01-01T12:00:00Z')
  expect(agoText(new Date(now - before).toISOString(), now)).toBe(text)
})

describe('errors', () => {
  test('of the server say what to do', () => {
    const busy = new ApiError(503, { code: 'overloaded', message: 'Too many requests' })
    expect(troubleOf(Object.assign(busy, { retryAfterSeconds: 2 }))).toEqual({
      title: 'Lucida is busy',
      message: 'Too many requests. Try again in 2 s.',
    })
  })

  test('of a connection say that nobody answers', () => {
    expect(troubleOf(new TypeError('Failed to fetch')).title).toBe('Lucida does not answer')
  })
})

describe('how a picture was drawn', () => {
  test('is told from its record', () => {
    const record = { idea: { text: 'fog' }, avoid: 'rain', seed: 7, steps: 16, guidance: 4 }
    expect(recordFacts({ ...record, pipeline: { name: 'a-pipeline', files: {} } })).toEqual([
      ['Drawn from', '“fog”'],
      ['Away from', '“rain”'],
      ['Settings', 'seed 7, steps 16, guidance 4'],
      ['By', 'a-pipeline'],
    ])
  })

  const picture = { picture: 'a'.repeat(64) }
  test.each([
    [{ mix: [picture, { text: 'night', weight: -0.5 }] }, 'a picture − 0.5 × “night”'],
    [{ mix: [{ text: 'a' }, { text: 'b', weight: 2 }] }, '“a” + 2 × “b”'],
    [
      { between: [picture, { text: 'sea' }], at: 0.3 },
      'between a picture and “sea”, 30 % of the way',
    ],
    [
      { change: picture, to: 'winter', from: 'summer', by: 0.35 },
      'a picture with more “winter”, less “summer”',
    ],
    [{ hitsOf: [{ text: 'sunset' }], hits: [] }, 'the best hits of “sunset”'],
    [{ thought: 1 }, 'something unknown'],
  ])('names any idea: %j', (idea, text) => {
    expect(recordFacts({ idea })).toEqual([['Drawn from', text]])
  })

  test('is left out where a record of another version does not tell', () => {
    expect(recordFacts({ idea: 'fog', seed: '7' })).toEqual([])
  })
})
