// Between pictures and latents, the small many-channelled pictures that a decoder network draws.
import { LucidaError } from '../core/errors.ts'
import type { Raster, Size } from '../pictures/raster.ts'
import type { Graphs } from './graphs.ts'
import { joined } from './network.ts'
import type { PipelineSpec } from './pipeline-manifest.ts'

/** Shape of one latent. */
export function latentRow({ codec, size }: PipelineSpec): [number, number, number] {
  return [codec.channels, size.heightPx / codec.downscale, size.widthPx / codec.downscale]
}

/** Latents, one after the other → pictures. */
export async function decodeLatents(
  z: Float32Array,
  {
    spec,
    graphs,
    signal,
  }: { spec: PipelineSpec; graphs: Graphs; signal?: AbortSignal | undefined },
): Promise<Raster[]> {
  const { codec, size, batch } = spec
  const graph = await graphs.load(codec.decode)
  const row = latentRow(spec)
  const length = row[0] * row[1] * row[2]
  const pixels = 3 * size.widthPx * size.heightPx
  const pictures: Raster[] = []
  for (let from = 0; from < z.length; from += batch * length) {
    signal?.throwIfAborted()
    const data = z
      .subarray(from, from + batch * length)
      .map((value) => value / codec.scale + codec.shift)
    const rows = data.length / length
    const feeds = [{ input: codec.decode.input, row, data }]
    const [answer] = await graph.run(feeds, rows, [codec.decode.output])
    expectLength(answer!, rows * pixels, codec.decode.output)
    for (let i = 0; i < rows; i++) {
      pictures.push(
        toRaster(answer!.data.subarray(i * pixels, (i + 1) * pixels), size, codec.range),
      )
    }
  }
  return pictures
}

/** A picture of the pipeline's size → its latent. */
export async function encodePicture(
  picture: Raster,
  { spec, graphs }: { spec: PipelineSpec; graphs: Graphs },
): Promise<Float32Array> {
  const { codec } = spec
  if (!codec.encode) throw new LucidaError('bad_input', `${spec.name} cannot begin with a picture`)
  const graph = await graphs.load(codec.encode)
  const { size } = spec
  const row = latentRow(spec)
  const data = toPlanes(picture, codec.range)
  const feeds = [{ input: codec.encode.input, row: [3, size.heightPx, size.widthPx], data }]
  const [answer] = await graph.run(feeds, 1, [codec.encode.output])
  expectLength(answer!, row[0] * row[1] * row[2], codec.encode.output)
  return answer!.data.map((value) => (value - codec.shift) * codec.scale)
}

function expectLength(
  { data, dims }: { data: Float32Array; dims: readonly number[] },
  length: number,
  output: string,
): void {
  if (data.length === length) return
  const message = `${output} has the shape [${dims.join(', ')}] where ${length} numbers were expected`
  throw new LucidaError('model_invalid', message)
}

/** [3, h, w] of `range` → bytes [h, w, 3]. */
function toRaster(planes: Float32Array, size: Size, [low, high]: readonly number[]): Raster {
  const count = size.widthPx * size.heightPx
  const data = new Uint8Array(3 * count)
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < count; i++) {
      const share = (planes[c * count + i]! - low!) / (high! - low!)
      data[3 * i + c] = Math.round(255 * Math.max(0, Math.min(1, share)))
    }
  }
  return { data, ...size, channels: 3 }
}

/** Bytes [h, w, 3] → [3, h, w] of `range`. */
function toPlanes({ data }: Raster, [low, high]: readonly number[]): Float32Array {
  const count = data.length / 3
  const planes = new Float32Array(data.length)
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < count; i++) {
      planes[c * count + i] = low! + (data[3 * i + c]! / 255) * (high! - low!)
    }
  }
  return planes
}

/** The same latent for so many pictures. */
export function repeated(z: Float32Array, count: number): Float32Array {
  return joined(Array.from({ length: count }, () => z))
}
