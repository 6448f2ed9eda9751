// Clients of a server that may be away: they hand over pictures, order indexing, and search all the
// time. What they are told is counted, and what nobody should be told is kept.
import { setTimeout as sleep } from 'node:timers/promises'
import type { JobResponse, SearchResponse } from '../../src/api/contract.ts'
import { sha256 } from '../../src/core/hash.ts'
import type { Album } from './album.ts'

/** What came of requests. */
export interface Tally {
  /** Answered with success, by kind of request. */
  readonly answered: Record<string, number>
  /** Refused: by code, or because nobody listened. */
  readonly refused: Record<string, number>
  readonly violations: string[]
}

/** The clients of one server. */
export interface Clients {
  readonly tally: Tally
  addRoot(path: string): Promise<string | null>
  upload(picture: Buffer): Promise<void>
  /** Returns the job's id, where it was taken. Like the others, tries again where it was not. */
  order(order: object): Promise<string | null>
  /** How a job has ended; null once nobody remembers it, or when `signal` is aborted. */
  follow(id: string, signal: AbortSignal): Promise<JobResponse['job'] | null>
  search(text: string, limit: number): Promise<SearchResponse['items'] | null>
}

/** Long enough for a busy machine and a database that is started anew. */
const ANSWER_MS = 60_000
const LOOK_MS = 500
/** Of an upload or an order that was not taken; one that was, without an answer, comes twice so. */
const TRIES = 30
const AGAIN_MS = 1000

/** Asks nothing yet. */
export function openClients(url: string, album: Album): Clients {
  const tally: Tally = { answered: {}, refused: {}, violations: [] }
  const count = (counts: Record<string, number>, what: string) =>
    (counts[what] = (counts[what] ?? 0) + 1)

  /** The body of a success; null for anything else. */
  async function ask<T>(kind: string, path: string, init: RequestInit = {}): Promise<T | null> {
    let status: number
    let text: string
    try {
      const answer = await fetch(url + path, { ...init, signal: AbortSignal.timeout(ANSWER_MS) })
      status = answer.status
      text = await answer.text()
    } catch (error) {
      if ((error as Error).name === 'TimeoutError') {
        tally.violations.push(`${kind}: no answer within ${ANSWER_MS} ms`)
      }
      count(tally.refused, 'nobody answered')
      return null
    }
    if (status < 300) {
      count(tally.answered, kind)
      return JSON.parse(text) as T
    }
    const code = codeOf(text)
    count(tally.refused, code ?? String(status))
    if (code === null || code === 'internal') {
      tally.violations.push(`${kind}: answered with ${status} ${text.slice(0, 500)}`)
    }
    return null
  }
  const persist = async <T>(asking: () => Promise<T | null>): Promise<T | null> => {
    for (let tries = 1; ; tries++) {
      const body = await asking()
      if (body !== null || tries === TRIES) return body
      await sleep(AGAIN_MS)
    }
  }
  const post = (kind: string, path: string, body: object) =>
    ask<JobResponse>(kind, path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  return {
    tally,
    addRoot: async (path) =>
      (await persist(() => post('root', '/v1/roots', { path })))?.job.id ?? null,
    order: async (order) =>
      (await persist(() => post('order', '/v1/index', order)))?.job.id ?? null,
    async upload(picture) {
      const body = new FormData()
      body.append('image', new File([new Uint8Array(picture)], 'picture.png'))
      const image = await persist(() =>
        ask<{ id: string }>('upload', '/v1/images', { method: 'POST', body }),
      )
      if (!image) return
      if (image.id !== sha256(picture)) tally.violations.push(`an upload became ${image.id}`)
      album.uploads.add(sha256(picture))
    },
    async follow(id, signal) {
      while (!signal.aborted) {
        const found = await ask<JobResponse>('job', `/v1/jobs/${id}`)
        if (found && !['queued', 'running'].includes(found.job.state)) return found.job
        await sleep(LOOK_MS, undefined, { signal }).catch(() => {})
      }
      return null
    },
    async search(text, limit) {
      const query = `/v1/search?text=${encodeURIComponent(text)}&limit=${limit}`
      const found = await ask<SearchResponse>('search', query)
      if (!found) return null
      tally.violations.push(...wrongIn(found.items, album))
      return found.items
    },
  }
}

/** An answer names each picture once, in order, and only pictures that there ever were. */
function wrongIn(items: SearchResponse['items'], { everMade }: Album): string[] {
  const ids = items.map(({ image }) => image.id)
  const scores = items.map(({ score }) => score ?? -1)
  return [
    ...ids
      .filter((id) => !everMade.has(id as never))
      .map((id) => `a search found ${id}, never made`),
    ...(new Set(ids).size < ids.length ? ['a search named a picture twice'] : []),
    ...(scores.every((score, i) => i === 0 || score <= scores[i - 1]!)
      ? []
      : ['a search was not in order']),
  ]
}

function codeOf(text: string): string | null {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown } }
    return typeof error?.code === 'string' ? error.code : null
  } catch {
    return null
  }
}
