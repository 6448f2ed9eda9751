import { describe, expect, test } from 'vitest'
import { freeCells, keepCells, paste, stretch } from '../../src/generate/canvas.ts'
import { enlarge } from '../../src/generate/enlarge.ts'
import { noisePicture } from '../helpers/toy-pipelines.ts'

const SIZE = { widthPx: 6, heightPx: 4 }

describe('a canvas', () => {
  test('of the pipeline’s own size stays as it is, mask and all', () => {
    const picture = noisePicture(6, 4)
    const mask = Uint8Array.from({ length: 24 }, (_, i) => i * 10)
    expect(stretch({ picture, mask, strength: 1 }, SIZE)).toEqual({ picture, mask })
  })

  test('of one colour has one colour at every size, on white where it is transparent', () => {
    const data = Uint8Array.from({ length: 9 * 4 }, (_, i) => [200, 100, 0, 51][i % 4]!)
    const picture = { data, widthPx: 3, heightPx: 3, channels: 4 } as const
    const found = stretch({ picture, strength: 1 }, SIZE)
    expect([...found.picture.data.subarray(0, 6)]).toEqual([244, 224, 204, 244, 224, 204])
    expect(found.mask).toBeUndefined()
  })

  test('is free wherever anything of a cell may be drawn, however little', () => {
    const mask = new Uint8Array(24)
    mask[2] = 1
    mask[23] = 255
    expect(freeCells(mask, SIZE, 2)).toEqual([false, true, false, false, false, true])
    expect(freeCells(new Uint8Array(24), SIZE, 2)).not.toContain(true)
  })

  test('keeps the cells that are not free at the level of the noise, in every channel and picture', () => {
    const x = new Float32Array(8).fill(9)
    const [z, epsilon] = [new Float32Array(8).fill(1), new Float32Array(8).fill(10)]
    keepCells(x, [true, false], { time: 0, data: 0.5, noise: 0.25 }, z, epsilon)
    expect([...x]).toEqual([9, 3, 9, 3, 9, 3, 9, 3])
  })

  test('is put back over a drawing in the measure of its mask', () => {
    const flat = (value: number) => ({
      data: new Uint8Array(9).fill(value),
      widthPx: 3,
      heightPx: 1,
      channels: 3 as const,
    })
    const mask = Uint8Array.of(0, 51, 255)
    const { data } = paste(flat(200), { picture: flat(100), mask })
    expect([...data]).toEqual([100, 100, 100, 120, 120, 120, 200, 200, 200])
  })
})

describe('enlarging', () => {
  test('is PyTorch’s', () => {
    // torch.nn.functional.interpolate(torch.arange(6.).view(1, 1, 2, 3) ** 2, scale_factor=2,
    //   mode='bicubic', antialias=True), PyTorch 2.13.0
    const expected = [
      -0.83564, -0.75891, -0.59744, 0.25573, 1.68849, 2.36505, 1.66639, 2.19703, 3.31914, 5.20049,
      7.5939, 8.72437, 6.62773, 8.05845, 11.08544, 15.00562, 19.30391, 21.33445, 9.12976, 11.01438,
      15.00202, 19.95038, 25.20932, 27.69377,
    ]
    const found = enlarge(Float32Array.of(0, 1, 4, 9, 16, 25), 3, 2, 2)
    expect(found).toHaveLength(24)
    expected.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 4))
  })

  test('leaves a flat picture flat, in every plane', () => {
    const flat = Float32Array.from({ length: 2 * 12 }, (_, i) => (i < 12 ? 0.25 : -1))
    const found = enlarge(flat, 4, 3, 4)
    expect(found).toHaveLength(2 * 192)
    found.forEach((value, i) => expect(value).toBeCloseTo(i < 192 ? 0.25 : -1, 6))
  })
})
