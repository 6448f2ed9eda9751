// Sends a picture's file, whole or a range of it (RFC 9110, section 14).
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import type { OpenFile } from '../lucida.ts'
import { RequestError } from './errors.ts'

/** Media types by format; what is not here is for download only. */
const TYPES: Readonly<Record<string, string>> = {
  jpeg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  gif: 'image/gif',
  avif: 'image/avif',
  heic: 'image/heic',
  tiff: 'image/tiff',
  bmp: 'image/bmp',
  jxl: 'image/jxl',
  svg: 'image/svg+xml',
}

/** The answer for an open file, which is closed when it is sent, or when the client goes away. */
export async function sendFile(
  file: OpenFile,
  request: { readonly method: string; readonly range?: string | undefined; readonly etag: string },
): Promise<Response> {
  const { sizeBytes } = file
  try {
    const isHead = request.method === 'HEAD'
    const range = isHead ? undefined : parseRange(request.range, sizeBytes)
    const { start, end } = range ?? { start: 0, end: sizeBytes - 1 }
    const headers = new Headers({
      'accept-ranges': 'bytes',
      'cache-control': 'private, max-age=31536000, immutable',
      'content-disposition': disposition(file),
      'content-length': String(end - start + 1),
      'content-type': TYPES[file.format] ?? 'application/octet-stream',
      etag: request.etag,
    })
    if (range) headers.set('content-range', `bytes ${start}-${end}/${sizeBytes}`)
    const status = range ? 206 : 200
    if (isHead) {
      await file.close()
      return new Response(null, { status, headers })
    }
    const stream = await file.stream(start, end)
    return new Response(Readable.toWeb(stream) as ReadableStream, { status, headers })
  } catch (error) {
    await file.close()
    throw error
  }
}

/**
 * One range of bytes, both ends included; undefined for the whole file, also where the header is one
 * that a server may ignore (several ranges, other units). Throws 416 for one outside the file.
 */
export function parseRange(
  header: string | undefined,
  sizeBytes: number,
): { start: number; end: number } | undefined {
  const found = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '')
  if (!found || (found[1] === '' && found[2] === '')) return undefined
  const [first, last] = [found[1]!, found[2]!]
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first)
  const end = first === '' || last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1)
  if (first !== '' && last !== '' && Number(last) < start) return undefined
  if (start >= sizeBytes || end < start) {
    throw new RequestError('bad_input', `Range: The file has ${sizeBytes} bytes`, {
      status: 416,
      headers: { 'content-range': `bytes */${sizeBytes}` },
    })
  }
  return { start, end }
}

function disposition({ path, format }: OpenFile): string {
  const name = encodeURIComponent(basename(path)).replaceAll(/['()*]/g, (sign) => {
    return `%${sign.charCodeAt(0).toString(16).toUpperCase()}`
  })
  return `${TYPES[format] ? 'inline' : 'attachment'}; filename*=UTF-8''${name}`
}
