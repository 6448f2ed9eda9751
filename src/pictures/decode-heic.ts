// HEIC through libheif and libde265 compiled to WebAssembly (package libheif-js, LGPL-3.0). sharp
// reads the headers of these files, but its build holds no decoder for HEVC.
import { createRequire } from 'node:module'
import type { Decoded, DecodeLimits } from './decode-worker.ts'
import { decodeError } from './picture-error.ts'
import { assertPixels } from './pixel-limit.ts'
import { pixelsAsTiff } from './pixels-as-tiff.ts'

type Code = object
interface Failure {
  readonly code?: Code
  readonly message?: string
}
interface Channel {
  readonly id: Code
  readonly width: number
  readonly height: number
  /** Bytes from one row to the next. */
  readonly stride: number
  readonly data: Uint8Array
}
interface DecodedImage extends Failure {
  readonly image: object
  readonly channels: readonly Channel[]
}

/** The part of libheif's C interface, as bound by its build, that is needed here. */
interface LibHeif {
  heif_context_alloc(): object | null
  heif_context_free(context: object): void
  heif_context_read_from_memory(context: object, bytes: Uint8Array): Failure
  heif_js_context_get_primary_image_handle(context: object): Failure
  heif_image_handle_get_width(handle: object): number
  heif_image_handle_get_height(handle: object): number
  heif_image_handle_release(handle: object): void
  heif_js_decode_image2(handle: object, space: Code, chroma: Code): Promise<DecodedImage>
  heif_image_release(image: object): void
  readonly heif_error_code: { readonly heif_error_Ok: Code }
  readonly heif_colorspace: { readonly heif_colorspace_RGB: Code }
  readonly heif_chroma: { readonly heif_chroma_interleaved_RGBA: Code }
  readonly heif_channel: { readonly heif_channel_interleaved: Code }
}

const heif = createRequire(import.meta.url)('libheif-js/wasm-bundle') as LibHeif

/** Decodes the primary image, upright: HEIF's own rotation is part of decoding. */
export async function decodeHeic(
  encoded: Uint8Array,
  { maxPixels, icc }: DecodeLimits,
): Promise<Decoded> {
  const context = heif.heif_context_alloc()
  if (!context) throw decodeError('out of memory', 'heic')
  let handle: Failure | undefined
  try {
    check(heif.heif_context_read_from_memory(context, encoded))
    handle = check(heif.heif_js_context_get_primary_image_handle(context))
    const widthPx = heif.heif_image_handle_get_width(handle)
    const heightPx = heif.heif_image_handle_get_height(handle)
    assertPixels(widthPx, heightPx, maxPixels)
    const { heif_colorspace_RGB: rgb } = heif.heif_colorspace
    const { heif_chroma_interleaved_RGBA: rgba } = heif.heif_chroma
    const decoded = check(await heif.heif_js_decode_image2(handle, rgb, rgba))
    try {
      return { encoded: toTiff(decoded, icc) }
    } finally {
      heif.heif_image_release(decoded.image)
    }
  } finally {
    if (handle) heif.heif_image_handle_release(handle)
    heif.heif_context_free(context)
  }
}

function check<T extends Failure>(result: T): T {
  if (result?.code === undefined || result.code === heif.heif_error_code.heif_error_Ok)
    return result
  throw decodeError(result.message ?? 'no reason given', 'heic')
}

function toTiff({ channels }: DecodedImage, icc: Uint8Array | undefined): Uint8Array {
  const plane = channels.find(({ id }) => id === heif.heif_channel.heif_channel_interleaved)
  if (!plane) throw decodeError('it has no pixels', 'heic')
  const { width: widthPx, height: heightPx, stride, data } = plane
  const rowBytes = widthPx * 4
  let packed = data
  if (stride !== rowBytes) {
    packed = new Uint8Array(rowBytes * heightPx)
    for (let y = 0; y < heightPx; y++) {
      packed.set(data.subarray(y * stride, y * stride + rowBytes), y * rowBytes)
    }
  }
  return pixelsAsTiff({ widthPx, heightPx, channels: 4, bits: 8, data: packed, icc })
}
