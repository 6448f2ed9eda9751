// Between pictures and latents, the small many-channelled pictures that a decoder network draws.
import { LucidaError } from '../core/errors.ts'
import type { FloatTensor } from '../models/session.ts'
import type { Raster, Size } from '../pictures/raster.ts'
import type { Graphs } from './graphs.ts'
import type { PipelineSpec } from './pipeline-manifest.ts'
import { divided, joined } from './told.ts'

export interface CodecOptions {
  readonly spec: PipelineSpec
  readonly graphs: Graphs
  readonly signal: AbortSignal | undefined
}

/** What comes out of the codec, before it is made larger. */
export function codecSize({ size, upsampler }: PipelineSpec): Size {
  const factor = upsampler?.factor ?? 1
  return { widthPx: size.widthPx / factor, heightPx: size.heightPx / factor }
}

/** Shape of one latent. */
export function latentRow(spec: PipelineSpec): [number, number, number] {
  const { widthPx, heightPx } = codecSize(spec)
  const { channels, downscale } = spec.codec
  return [channels, heightPx / downscale, widthPx / downscale]
}

/** Latents, one after the other → [3, h, w] each, of the codec's range. */
export async function decodeLatents(
  latents: readonly Float32Array[],
  { spec, graphs, signal }: CodecOptions,
): Promise<Float32Array[]> {
  const { decode, scale, shift } = spec.codec
  const raw = latents.map((z) => z.map((value) => value / scale + shift))
  if (!decode) return raw
  const graph = await graphs.load(decode)
  const { widthPx, heightPx } = codecSize(spec)
  const planes: Float32Array[] = []
  for (let from = 0; from < raw.length; from += spec.batch) {
    signal?.throwIfAborted()
    const some = raw.slice(from, from + spec.batch)
    const feeds = [{ input: decode.input, row: latentRow(spec), data: joined(some) }]
    const [answer] = await graph.run(feeds, some.length, [decode.output])
    expectLength(answer!, [some.length * 3 * heightPx * widthPx], decode.output)
    planes.push(...divided(answer!.data, some.length))
  }
  return planes
}

/** A picture of the codec's size → its latent. */
export async function encodePicture(
  picture: Raster,
  { spec, graphs }: Omit<CodecOptions, 'signal'>,
): Promise<Float32Array> {
  const { encode, scale, shift, range } = spec.codec
  const [channels, height, width] = latentRow(spec)
  const length = channels * height * width
  const planes = toPlanes(picture, range)
  let raw = planes
  if (encode) {
    const graph = await graphs.load(encode)
    const row = [3, picture.heightPx, picture.widthPx]
    const [answer] = await graph.run([{ input: encode.input, row, data: planes }], 1, [
      encode.output,
    ])
    expectLength(answer!, [length, 2 * length], encode.output)
    raw = answer!.data.subarray(0, length)
  }
  return raw.map((value) => (value - shift) * scale)
}

function expectLength(
  { data, dims }: FloatTensor,
  lengths: readonly number[],
  output: string,
): void {
  if (lengths.includes(data.length)) return
  const message = `${output} has the shape [${dims.join(', ')}] where ${lengths[0]} numbers were expected`
  throw new LucidaError('model_invalid', message)
}

/** [3, h, w] of `range` → bytes [h, w, 3]. */
export function toRaster(
  planes: Float32Array,
  size: Size,
  [low, high]: readonly [number, number],
): Raster {
  const count = size.widthPx * size.heightPx
  const data = new Uint8Array(3 * count)
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < count; i++) {
      const share = (planes[c * count + i]! - low) / (high - low)
      data[3 * i + c] = Math.round(255 * Math.max(0, Math.min(1, share)))
    }
  }
  return { data, ...size, channels: 3 }
}

/** Bytes [h, w, 3] → [3, h, w] of `range`. */
function toPlanes({ data }: Raster, [low, high]: readonly [number, number]): Float32Array {
  const count = data.length / 3
  const planes = new Float32Array(data.length)
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < count; i++) {
      planes[c * count + i] = low + (data[3 * i + c]! / 255) * (high - low)
    }
  }
  return planes
}
