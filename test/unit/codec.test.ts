import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { decodeLatents, encodePicture, toRaster } from '../../src/generate/codec.ts'
import type { Graphs } from '../../src/generate/graphs.ts'
import { type PipelineSpec, readPipeline } from '../../src/generate/pipeline-manifest.ts'
import { noisePicture, PIPELINES } from '../helpers/toy-pipelines.ts'

const SIZE = { widthPx: 8, heightPx: 4 }
const PICTURE = noisePicture(8, 4)

let base: PipelineSpec
beforeAll(async () => {
  base = await readPipeline(join(PIPELINES, 'toy-unclip'))
})

/** Latents as large as pictures, and graphs that give back what they are given, `times` over. */
function setUp(codec: Partial<PipelineSpec['codec']>, times = 1) {
  const whole = { ...base.codec, channels: 3, downscale: 1, ...codec }
  const rows: number[] = []
  const graphs: Graphs = {
    load: async () => ({
      async run([feed], count) {
        rows.push(count)
        const data = new Float32Array(feed!.data.length * times)
        data.set(feed!.data)
        return [{ data, dims: [count, 3 * times, 4, 8] }]
      },
    }),
    close: async () => {},
  }
  return { spec: { ...base, size: SIZE, codec: whole, batch: 2 }, graphs, rows }
}

describe('a codec', () => {
  test.each([
    ['between -1 and 1', {}],
    ['between 0 and 1', { range: [0, 1] as [number, number] }],
    ['with latents that are scaled and shifted', { scale: 0.2, shift: 0.3 }],
  ])('%s gives back what it was given', async (_, codec) => {
    const { spec, graphs } = setUp(codec)
    const z = await encodePicture(PICTURE, { spec, graphs })
    const [planes] = await decodeLatents([z], { spec, graphs, signal: undefined })
    expect(toRaster(planes!, SIZE, spec.codec.range)).toEqual(PICTURE)
  })

  test('scales what the network sees: (latent - shift) · scale', async () => {
    const { spec, graphs } = setUp({ range: [0, 255], scale: 2, shift: 10 })
    const z = await encodePicture(PICTURE, { spec, graphs })
    // The second pixel of the first plane.
    expect(z[1]).toBe((PICTURE.data[3]! - 10) * 2)
  })

  test('of mean and variance takes the mean', async () => {
    const [plain, twice] = [setUp({}), setUp({}, 2)]
    expect(await encodePicture(PICTURE, twice)).toEqual(await encodePicture(PICTURE, plain))
  })

  test('decodes so many pictures a run', async () => {
    const { spec, graphs, rows } = setUp({})
    const z = await encodePicture(PICTURE, { spec, graphs })
    rows.length = 0
    const planes = await decodeLatents([z, z, z], { spec, graphs, signal: undefined })
    expect(rows).toEqual([2, 1])
    expect(planes).toHaveLength(3)
  })

  test('clips what is beyond its range', () => {
    const planes = Float32Array.of(-2, -1, 0, 1, 2, 0.5)
    const { data } = toRaster(planes, { widthPx: 2, heightPx: 1 }, [-1, 1])
    expect([...data]).toEqual([0, 128, 255, 0, 255, 191])
  })
})
