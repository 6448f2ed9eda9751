// JPEG XL through jxl-oxide, a decoder in Rust compiled to WebAssembly.
import { readFileSync } from 'node:fs'
import { brotliDecompressSync } from 'node:zlib'
import { initSync, JxlImage } from 'jxl-oxide-wasm'
import { boxesOf } from './boxes.ts'
import type { Decoded, DecodeLimits } from './decode-worker.ts'
import { endsEarly } from './picture-error.ts'
import { assertPixels } from './pixel-limit.ts'

/** Decodes the first frame, upright, to PNG, the only thing that the decoder hands out. */
export function decodeJxl(encoded: Uint8Array, { maxPixels }: DecodeLimits): Decoded {
  initSync({ module: readFileSync(new URL(import.meta.resolve('jxl-oxide-wasm/module.wasm'))) })
  const image = new JxlImage()
  try {
    image.forceSrgb = true
    image.feedBytes(encoded)
    if (!image.tryInit()) throw endsEarly('jxl')
    assertPixels(image.width ?? 0, image.height ?? 0, maxPixels)
    // What is there of half a picture would be rendered without a word.
    if (!image.loaded) throw endsEarly('jxl')
    return { encoded: Uint8Array.from(image.render().encodeToPng()), exif: exifOf(encoded) }
  } finally {
    image.free()
  }
}

/** An EXIF block is not larger than this, however well it was compressed. */
const MAX_EXIF_BYTES = 1 << 20

/** The block of a container's Exif box (ISO/IEC 18181-2, 9.4), which may be packed with Brotli. */
function exifOf(encoded: Uint8Array): Uint8Array | undefined {
  for (const { type, start, end } of boxesOf(encoded)) {
    if (type === 'Exif') return afterOffset(encoded.subarray(start, end))
    const inner = Buffer.from(encoded.subarray(start, start + 4)).toString('latin1')
    if (type === 'brob' && inner === 'Exif') {
      try {
        const packed = encoded.subarray(start + 4, end)
        return afterOffset(brotliDecompressSync(packed, { maxOutputLength: MAX_EXIF_BYTES }))
      } catch {
        return undefined
      }
    }
  }
  return undefined
}

/** The box starts with the length of what comes before the block proper. */
function afterOffset(content: Uint8Array): Uint8Array | undefined {
  if (content.length < 4) return undefined
  return content.slice(4 + Buffer.from(content.subarray(0, 4)).readUInt32BE())
}
