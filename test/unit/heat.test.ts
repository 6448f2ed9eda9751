// A heat map as colours, and as a file.
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { colourHeat, scaleHeat } from '../../src/client/heat.ts'
import { overlayPicture } from '../../src/pictures/overlay.ts'
import { hottestPlace } from '../../src/web/describe.ts'

const ALL = { left: 0, top: 0, width: 1, height: 1 }

test('values are scaled from the least to the most', () => {
  expect(scaleHeat([-1, 0, 1])).toEqual([0, 0.5, 1])
  expect(scaleHeat([0.3, 0.3])).toEqual([0, 0])
})

test('more is lighter, throughout', () => {
  const colours = colourHeat(Array.from({ length: 50 }, (_, i) => i))
  const light = Array.from({ length: 50 }, (_, i) => {
    const [red, green, blue] = colours.slice(i * 4, i * 4 + 3)
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
  })
  for (let i = 1; i < light.length; i++) expect(light[i]).toBeGreaterThan(light[i - 1]!)
})

test('the overlay has the shape of the picture and is lightest where the map is hottest', async () => {
  const grey = await sharp({ create: { width: 90, height: 60, channels: 3, background: '#777' } })
    .jpeg()
    .toBuffer()
  const grid = { width: 2, height: 1, rgba: colourHeat([0, 1]), area: ALL }
  const file = await overlayPicture(grey, grid, 'png')
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true })
  expect([info.width, info.height]).toEqual([90, 60])
  const at = (x: number) => data[(30 * 90 + x) * info.channels]!
  expect(at(85)).toBeGreaterThan(at(5) + 50)
})

test('what the model does not see is left as it is', async () => {
  const grey = await sharp({ create: { width: 100, height: 50, channels: 3, background: '#777' } })
    .png()
    .toBuffer()
  const area = { left: 0.25, top: 0, width: 0.5, height: 1 }
  const file = await overlayPicture(
    grey,
    { width: 1, height: 1, rgba: colourHeat([1]), area },
    'png',
  )
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true })
  const at = (x: number) => [...data.subarray((20 * 100 + x) * info.channels).subarray(0, 3)]
  expect(at(10)).toEqual([0x77, 0x77, 0x77])
  expect(at(90)).toEqual([0x77, 0x77, 0x77])
  expect(at(50)).not.toEqual([0x77, 0x77, 0x77])
})

test('the hottest place is said in words', () => {
  const map = { width: 3, height: 3, values: [], area: ALL }
  const place = (at: number) =>
    hottestPlace(
      map,
      Array.from({ length: 9 }, (_, i) => Number(i === at)),
    )
  expect([0, 4, 5, 7].map(place)).toEqual([
    'at the top left',
    'in the middle',
    'at the middle right',
    'at the bottom centre',
  ])
})
