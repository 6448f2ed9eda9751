// What is wrong with a picture, in one line and under the right code.
import { LucidaError, messageOf } from '../core/errors.ts'
import type { Format } from './sniff.ts'

/** No honest picture takes that long; the file is given up so that the others get their turn. */
export const TIMEOUT_MS = 60_000

/** sharp's words when no loader wants the data: an SVG with a namespace prefix, a cut TIFF. */
const UNRECOGNISED = 'Input buffer contains unsupported image format'

/** A decoder's complaint as `corrupt_image`, `unsupported_format` or `too_large`. */
export function decodeError(error: unknown, format: Format): LucidaError {
  if (error instanceof LucidaError) return error
  const options = { cause: error }
  const name = format.toUpperCase()
  const said = messageOf(error)
  const reason = firstComplaint(said)
  if (/pixel limit/i.test(reason)) {
    return new LucidaError('too_large', `The file has too many pixels (${reason})`, options)
  }
  if (reason.startsWith('timeout')) return tooSlow(options)
  if (
    /unsupported feature|format has not been built in/i.test(said) ||
    (format === 'svg' && reason === UNRECOGNISED)
  ) {
    const message = `The file is an unusual ${name} that cannot be decoded (${reason})`
    return new LucidaError('unsupported_format', message, options)
  }
  const message = `The file is damaged and cannot be decoded as ${name} (${reason})`
  return new LucidaError('corrupt_image', message, options)
}

/** The picture took more than `TIMEOUT_MS`. */
export function tooSlow(options?: { cause: unknown }, timeoutMs = TIMEOUT_MS): LucidaError {
  const message = `The file takes more than ${timeoutMs / 1000} s to decode`
  return new LucidaError('too_large', message, options)
}

/** The file ends before its picture does. */
export function endsEarly(format: Format): LucidaError {
  return decodeError('its data ends early', format)
}

/** A variant of the format that nothing here decodes. */
export function unusual(format: Format, what: string): LucidaError {
  const message = `The file is an unusual ${format.toUpperCase()} that cannot be decoded (${what})`
  return new LucidaError('unsupported_format', message)
}

/** Longest reason kept, in characters. */
const MAX_REASON = 200

/**
 * The first of libvips' complaints that says something, not the seeks that led nowhere. libvips
 * keeps them for the whole process, so that pictures which are decoded at the same time may repeat
 * them, add their own, and take away what was not yet read.
 */
function firstComplaint(message: string): string {
  const lines = message.split('\n').map((line) => line.trim())
  const reason = lines.find((line) => line !== '' && !line.startsWith('source: bad seek'))
  if (reason === 'Input buffer has corrupt header:') return 'its header is wrong or ends early'
  // What sharp says of interlaced PNGs that end early.
  if (reason === undefined || reason === 'Unknown error') return 'its data is wrong or ends early'
  // By whole characters: PostgreSQL refuses half of one in JSON.
  return Array.from(reason).slice(0, MAX_REASON).join('')
}
