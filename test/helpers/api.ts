// The HTTP API over a dozen drawings, asked without sockets.
import { type ApiOptions, createApi, type OpenApi } from '../../src/api/app.ts'
import type { Image } from '../../src/api/contract.ts'
import type { Lucida, PartialConfig } from '../../src/lucida.ts'
import type { TestPlace } from './database.ts'
import { indexAll, openAt, writeDrawings } from './open-lucida.ts'
import { newFolder, type TestFolder } from './picture-folder.ts'

/** An address on the internet (RFC 5737). */
export const FAR_AWAY = '203.0.113.9'

/** How a request comes in. */
export interface Ask {
  readonly method?: string
  readonly json?: unknown
  readonly form?: FormData
  readonly body?: string | Uint8Array<ArrayBuffer>
  readonly headers?: Readonly<Record<string, string>>
  /** Where it comes from; this machine when not given. */
  readonly from?: string
  /** Over the directory's socket. */
  readonly asOwner?: boolean
}

/** The API of a test. */
export interface TestApi extends AsyncDisposable {
  readonly lucida: Lucida
  readonly api: OpenApi
  readonly folder: TestFolder
  /** Pictures by the name of their drawing. */
  readonly images: ReadonlyMap<string, Image>
  ask(path: string, how?: Ask): Promise<Response>
  /** The JSON of an answer that must be a success. */
  json<T>(path: string, how?: Ask): Promise<T>
  /** Errors that no client should be able to cause. */
  readonly errors: readonly unknown[]
}

/** Opens it at a test's place. */
export async function openTestApi(
  place: TestPlace,
  options: { config?: PartialConfig; api?: ApiOptions; empty?: boolean } = {},
): Promise<TestApi> {
  const folder = await newFolder()
  const lucida = await openAt(place, options.config)
  const errors: unknown[] = []
  const api = createApi(lucida, { onError: (error) => errors.push(error), ...options.api })
  const images = new Map<string, Image>()

  const ask = async (path: string, how: Ask = {}): Promise<Response> => {
    const { json, form, headers = {}, from = '127.0.0.1', asOwner = false } = how
    const body = json === undefined ? (form ?? how.body) : JSON.stringify(json)
    const request = new Request(`http://localhost${path}`, {
      method: how.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { ...(json !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body }),
    })
    const env = { incoming: { socket: { remoteAddress: from } } }
    return asOwner ? api.fetchAsOwner(request, env) : api.fetch(request, env)
  }
  const askJson = async <T>(path: string, how?: Ask): Promise<T> => {
    const answer = await ask(path, how)
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as T
  }

  if (!options.empty) {
    const names = await writeDrawings(folder)
    await indexAll(lucida, [folder.path])
    const listed = await lucida.list({ limit: 100 })
    const byPath = new Map(listed.results.map((picture) => [picture.path, picture]))
    for (const name of names) {
      const { thumbHash: _, ...picture } = byPath.get(folder.at(`${name}.png`))!
      images.set(name, { ...picture, paths: [...picture.paths], thumbHash: null })
    }
  }
  return {
    lucida,
    api,
    folder,
    images,
    errors,
    ask,
    json: askJson,
    async [Symbol.asyncDispose]() {
      await api.close()
      await lucida.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}
