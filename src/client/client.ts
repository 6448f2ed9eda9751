// A typed client of the HTTP API, for programs and for the page: one function a route, whose types
// are those of the server's own definitions. Needs nothing but fetch.
import type { Job } from '../api/contract.ts'
import type { Generation, GenerationJudged, GenerationStep } from '../api/generation-contract.ts'
import type { Operations } from '../api/operations.ts'
import type { IndexEvent } from '../indexer/events.ts'
import { readEvents } from './event-stream.ts'
import { ROUTES, type RouteName } from './routes.ts'

/** How to reach a server. */
export interface ClientOptions {
  /** Such as `http://127.0.0.1:7457`; empty for the page's own server. */
  readonly baseUrl?: string
  /** An API key; a signed-in page needs none. */
  readonly key?: string
  /** The token of `session`, for a signed-in page. */
  readonly csrfToken?: () => string | null
  readonly fetch?: typeof fetch
}

/** An answer other than success. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly details: unknown
  /** When to come back, for 429 and 503. */
  readonly retryAfterSeconds: number | null

  constructor(status: number, error: { code: string; message: string; details?: unknown }) {
    super(error.message)
    this.name = 'ApiError'
    this.status = status
    this.code = error.code
    this.details = error.details
    this.retryAfterSeconds = null
  }
}

/** What a followed job tells: how it stands, and what happens. */
export type JobNews =
  | { readonly type: 'job'; readonly job: Job }
  | { readonly type: 'index'; readonly event: IndexEvent }

/** What a followed order to draw tells: how it stands, and what happens. */
export type GenerationNews =
  | { readonly type: 'generation'; readonly generation: Generation }
  | GenerationStep
  | GenerationJudged

type Input<Name extends keyof Operations> = Operations[Name]['input'] & {
  readonly signal?: AbortSignal
}
/** Nothing need be given where nothing is required. */
type Arguments<T> = object extends T ? [input?: T] : [input: T]

/** One function a route that answers in JSON. */
export type ApiCalls = {
  readonly [Name in keyof Operations]: (
    ...input: Arguments<Input<Name>>
  ) => Promise<Operations[Name]['output']>
}

/** The client. */
export interface Client extends ApiCalls {
  /** Where a thumbnail is, for an <img>. */
  thumbnailUrl(id: string, size?: number): string
  /** Where a picture's file is. */
  fileUrl(id: string): string
  /** How a job goes, until it has ended. */
  followJob(id: string, options?: { readonly signal?: AbortSignal }): AsyncGenerator<JobNews>
  /** How an order to draw goes, until it has ended. */
  followGeneration(
    id: string,
    options?: { readonly signal?: AbortSignal },
  ): AsyncGenerator<GenerationNews>
  /** Where the nth best of what was drawn is, from 0. */
  candidateUrl(id: string, n: number): string
  /** Where the report of an audit is, for a link. */
  auditReportUrl(query?: Readonly<Record<string, unknown>>): string
  /** Where the card of a model is, for a link. */
  modelCardUrl(name: string): string
}

/** What any call may carry. */
interface AnyInput {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, unknown>>
  readonly body?: unknown
  readonly form?: FormData
  readonly signal?: AbortSignal
}

/** A client of one server. */
export function createClient(options: ClientOptions = {}): Client {
  const { baseUrl = '', key, csrfToken = () => null } = options
  const send = options.fetch ?? fetch
  const urlOf = (name: RouteName, { params = {}, query = {} }: AnyInput) => {
    const path = ROUTES[name][1].replace(/\{(\w+)\}/g, (_, key: string) =>
      encodeURIComponent(params[key] ?? ''),
    )
    const search = queryString(query)
    return `${baseUrl.replace(/\/$/, '')}${path}${search && `?${search}`}`
  }

  async function request(name: RouteName, input: AnyInput, accept: string): Promise<Response> {
    const method = ROUTES[name][0].toUpperCase()
    const token = method === 'GET' ? null : csrfToken()
    const response = await send(urlOf(name, input), {
      method,
      headers: {
        accept,
        ...(key && { authorization: `Bearer ${key}` }),
        ...(token && { 'x-csrf-token': token }),
        ...(input.body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(input.body !== undefined && { body: JSON.stringify(input.body) }),
      ...(input.form && { body: input.form }),
      ...(input.signal && { signal: input.signal }),
    })
    if (!response.ok) throw await errorOf(response)
    return response
  }

  const call =
    (name: RouteName) =>
    async (input: AnyInput = {}) => {
      const response = await request(name, input, 'application/json')
      return response.status === 204 ? undefined : response.json()
    }

  async function* follow(name: RouteName, id: string, signal: AbortSignal | undefined) {
    const input = { params: { id }, ...(signal && { signal }) }
    const response = await request(name, input, 'text/event-stream')
    yield* readEvents(response.body!)
  }

  const calls = Object.fromEntries(
    (Object.keys(ROUTES) as RouteName[]).map((name) => [name, call(name)]),
  ) as unknown as ApiCalls
  return {
    ...calls,
    thumbnailUrl: (id, size) => urlOf('thumbnail', { params: { id }, query: { size } }),
    fileUrl: (id) => urlOf('file', { params: { id } }),
    candidateUrl: (id, n) => urlOf('candidate', { params: { id, n: String(n) } }),
    auditReportUrl: (query = {}) => urlOf('auditReport', { query }),
    modelCardUrl: (name) => urlOf('modelCard', { params: { name } }),
    async *followGeneration(id, { signal } = {}) {
      for await (const { event, data } of follow('generationEvents', id, signal)) {
        if (event === 'generation')
          yield { type: event, generation: JSON.parse(data) as Generation }
        if (event === 'step') yield JSON.parse(data) as GenerationStep
        if (event === 'judged') yield JSON.parse(data) as GenerationJudged
      }
    },
    async *followJob(id, { signal } = {}) {
      for await (const { event, data } of follow('jobEvents', id, signal)) {
        if (event === 'job') yield { type: 'job', job: JSON.parse(data) as Job }
        if (event === 'index') yield { type: 'index', event: JSON.parse(data) as IndexEvent }
      }
    },
  }
}

const isNumber = (value: unknown) => typeof value === 'number'

/** Lists of texts are repeated; lists of numbers are joined by commas. */
function queryString(query: Readonly<Record<string, unknown>>): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    const isNumbers = Array.isArray(value) && value.length > 0 && value.every(isNumber)
    const isList = Array.isArray(value) && !isNumbers
    for (const item of isList ? value : [value]) {
      if (item !== undefined && item !== null) search.append(name, String(item))
    }
  }
  return search.toString()
}

async function errorOf(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => null)) as {
    error?: { code: string; message: string; details?: unknown }
  } | null
  const message = `The server answers with status ${response.status}`
  const error = new ApiError(response.status, body?.error ?? { code: 'internal', message })
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Object.assign(error, { retryAfterSeconds: Number.isFinite(seconds) ? seconds : null })
}
