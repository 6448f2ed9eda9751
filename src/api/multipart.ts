// Reads an uploaded form (RFC 7578) in one pass over its bytes: the platform's own parser looks at
// every byte in JavaScript, which takes as long for a large picture as a hundred searches.
import type { MiddlewareHandler } from 'hono'
import type { ApiEnv } from './context.ts'
import { RequestError } from './errors.ts'

const MAX_PARTS = 100
const MAX_HEADER_BYTES = 8192

/** Parses the form before the validator would. Throws `bad_input`. */
export const readForm: MiddlewareHandler<ApiEnv> = async (c, next) => {
  const type = c.req.header('content-type') ?? ''
  const [, quoted, bare] = /;\s*boundary=(?:"([^"]{1,200})"|([^\s;]{1,200}))/i.exec(type) ?? []
  const boundary = quoted ?? bare
  if (boundary === undefined) throw malformed('Content-Type names no boundary')
  c.req.bodyCache.formData = parseForm(Buffer.from(await c.req.arrayBuffer()), boundary)
  await next()
}

/** The fields of a form, files among them. Throws `bad_input`. */
export function parseForm(body: Buffer, boundary: string): FormData {
  const form = new FormData()
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
  // The first delimiter needs no line break before it.
  let at = body.indexOf(delimiter.subarray(2))
  if (at < 0) throw malformed('its first boundary is missing')
  at += delimiter.length - 2
  for (let parts = 0; parts <= MAX_PARTS; parts++) {
    if (body.toString('latin1', at, at + 2) === '--') return form
    const headersEnd = body.subarray(at, at + MAX_HEADER_BYTES).indexOf('\r\n\r\n')
    if (headersEnd < 0) throw malformed('a part has no end of its headers')
    const headers = body.toString('utf8', at, at + headersEnd)
    const start = at + headersEnd + 4
    // An empty part's delimiter may begin with the line break that ended the headers.
    const end = body.indexOf(delimiter, start - 2)
    if (end < 0) throw malformed('it breaks off')
    append(form, headers, body.subarray(start, Math.max(start, end)))
    at = end + delimiter.length
  }
  throw malformed(`it has more than ${MAX_PARTS} parts`)
}

function append(form: FormData, headers: string, content: Buffer): void {
  const disposition = /^content-disposition:(.*)$/im.exec(headers)?.[1] ?? ''
  const name = parameter(disposition, 'name')
  if (name === undefined) throw malformed('a part has no name')
  const filename = parameter(disposition, 'filename')
  if (filename === undefined) form.append(name, content.toString('utf8'))
  else form.append(name, new File([Uint8Array.from(content)], filename))
}

/**
 * Quotation marks and line breaks are written as in URLs (WHATWG HTML, multipart/form-data). What
 * needs no quotation marks may come without (RFC 2183).
 */
function parameter(disposition: string, name: string): string | undefined {
  const pattern = new RegExp(`;\\s*${name}=(?:"([^"]*)"|([^\\s";]+))`, 'i')
  const [, quoted, bare] = pattern.exec(disposition) ?? []
  return (quoted ?? bare)?.replaceAll('%22', '"').replaceAll('%0D', '\r').replaceAll('%0A', '\n')
}

function malformed(why: string): RequestError {
  return new RequestError('bad_input', `The form cannot be read: ${why}`)
}
