// Orders to draw, in the shape of the contract: those under way, and those that the database knows.
import type { DrawnCandidate, RecordedRequest, StoredGeneration } from '../lucida.ts'
import type { StartedGeneration } from './contract.ts'
import type { Candidate, Generation } from './generation-contract.ts'
import type { Life } from '../queues/work-queue.ts'

/** What is known of an order under way, or that has ended lately. */
export interface GenerationFacts
  extends Pick<Generation, 'progress' | 'tries' | 'picture' | 'offered' | 'withheld'> {
  readonly request: RecordedRequest
  /** The hash of the request, where others who ask the same are given this one. */
  readonly sharedAs: string | null
  readonly candidates: readonly Omit<DrawnCandidate, 'png'>[]
}

/** `hasPicture` says whether the nth candidate can still be looked at. */
export function toGeneration(
  now: Life & GenerationFacts,
  hasPicture: (n: number) => boolean,
): Generation {
  const { state, request, sharedAs: _, candidates, id, ...rest } = now
  return {
    id,
    status: state,
    ...rest,
    request: toRequest(request),
    candidates: candidates.map((one, n) =>
      toCandidate(one, hasPicture(n) ? candidateUrl(id, n) : null),
    ),
    eventsUrl: eventsUrl(id),
  }
}

/** Whose pictures are forgotten, but for the one that was kept. */
export function storedGeneration(row: StoredGeneration): Generation {
  const { id, state, createdAt, endedAt, picture } = row
  const outcome = row.outcome as Partial<GenerationFacts> & { readonly error?: Generation['error'] }
  const { tries = [], candidates = [], offered = null, withheld = 0, error = null } = outcome
  return {
    id,
    status: state,
    createdAt: createdAt.toISOString(),
    startedAt: createdAt.toISOString(),
    endedAt: endedAt.toISOString(),
    request: toRequest(row.request as RecordedRequest),
    progress: null,
    tries,
    candidates: candidates.map((one) => toCandidate(one, null)),
    picture,
    offered,
    withheld,
    eventsUrl: eventsUrl(id),
    error: state === 'failed' ? error : null,
  }
}

/** As an answer to a search mentions it. */
export function mention({ id, status, picture, eventsUrl }: Generation): StartedGeneration {
  return { id, status, picture, eventsUrl }
}

export function candidateUrl(id: string, n: number): string {
  return `/v1/generations/${id}/candidates/${n}`
}

function eventsUrl(id: string): string {
  return `/v1/generations/${id}/events`
}

function toRequest({ idea, start, size, ...rest }: RecordedRequest): Generation['request'] {
  return {
    idea: idea as Record<string, unknown>,
    ...(start && { start: { ...start } }),
    ...(size && { size: { ...size } }),
    ...rest,
  }
}

function toCandidate(
  { nearest, ...rest }: Omit<DrawnCandidate, 'png'>,
  url: string | null,
): Candidate {
  return { ...rest, nearest: nearest && { ...nearest }, url }
}
