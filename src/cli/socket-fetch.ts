// `fetch` over a Unix socket or a named pipe, as far as the client needs it.
import { request } from 'node:http'
import { Readable } from 'node:stream'

/** Sends every request to the server behind `socketPath`. */
export function socketFetch(socketPath: string): typeof fetch {
  return (input, init = {}) =>
    new Promise((resolve, reject) => {
      const url = new URL(input instanceof Request ? input.url : input)
      const { method = 'GET', signal } = init
      const headers = Object.fromEntries(new Headers(init.headers))
      const sent = request(
        {
          socketPath,
          path: url.pathname + url.search,
          method,
          headers: { ...headers, host: 'localhost' },
          ...(signal && { signal }),
        },
        (answer) => {
          const { statusCode: status = 500 } = answer
          const body = status === 204 || status === 304 ? null : Readable.toWeb(answer)
          if (body === null) answer.resume()
          const fields = Object.entries(answer.headers).map(
            ([name, value]) => [name, String(value)] as [string, string],
          )
          resolve(new Response(body as ReadableStream | null, { status, headers: fields }))
        },
      )
      sent.on('error', reject)
      sent.end(init.body)
    })
}
