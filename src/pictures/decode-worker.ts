// The worker thread in which foreign formats are decoded: their decoders are synchronous, and a
// thread can be ended where a file keeps one busy for ever. Each is loaded when first needed.
import { LucidaError, messageOf } from '../core/errors.ts'
import { serveWorker } from '../core/worker.ts'
import type { ForeignFormat } from './sniff.ts'

/** A picture in a format that sharp reads. */
export interface Decoded {
  readonly encoded: Uint8Array
  /** EXIF block, where it is not in there. */
  readonly exif?: Uint8Array | undefined
}

/** A decoder that failed inside, in its own words; its memory may be in any state. */
export interface Trap {
  readonly trap: string
}

/** What is known before decoding. */
export interface DecodeLimits {
  readonly maxPixels: number
  /** Colour profile, where the decoder does not find it by itself. */
  readonly icc?: Uint8Array | undefined
}

type Decode = (encoded: Uint8Array, limits: DecodeLimits) => Decoded | Promise<Decoded>

const DECODERS: Record<ForeignFormat, () => Promise<Decode>> = {
  heic: async () => (await import('./decode-heic.ts')).decodeHeic,
  jxl: async () => (await import('./decode-jxl.ts')).decodeJxl,
  bmp: async () => (await import('./decode-bmp.ts')).decodeBmp,
  pnm: async () => (await import('./decode-pnm.ts')).decodePnm,
}

const methods = {
  async decode(
    format: ForeignFormat,
    encoded: Uint8Array,
    limits: DecodeLimits,
  ): Promise<Decoded | Trap> {
    const decode = await DECODERS[format]()
    try {
      return await decode(encoded, limits)
    } catch (error) {
      if (error instanceof LucidaError) throw error
      return { trap: messageOf(error) }
    }
  },
}

/** What the thread offers. */
export type DecodeMethods = typeof methods

serveWorker(methods)
