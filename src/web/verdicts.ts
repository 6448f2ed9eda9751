// What is said of drawings while they are made and once they are judged.
import type { Candidate, Generation } from '../api/generation-contract.ts'
import { countText } from './describe.ts'
import type { Development } from './store.ts'

/** Whether something is still to come. */
export function isUnderWay({ status }: Generation): boolean {
  return status === 'queued' || status === 'running'
}

/** Why the server cannot keep a candidate, or would not by itself; null for one that fits. */
export function objectionTo(
  { nearCopyOf, relevance, score, passes }: Candidate,
  offered: number | null,
  relevanceThreshold: number | null,
): string | null {
  if (nearCopyOf !== null) return 'a near copy of a picture that is here'
  if (relevance !== null && relevanceThreshold !== null && relevance < relevanceThreshold) {
    return 'does not show it clearly'
  }
  if (offered !== null && score <= offered) return 'no better than what is here'
  return passes ? null : 'a near copy of a picture that it was learned from'
}

/** How far it is, without the steps, so that it is worth saying aloud. */
export function tell({ phase, generation, order }: Development): string {
  if (phase === 'ordering') return 'Ordering it'
  if (phase === 'lost') return 'The connection broke. Asking again how it goes…'
  // Of one that is not known any more, what was heard last is not true any more.
  if (!generation || (phase === 'over' && isUnderWay(generation))) return ''
  return standingOf(generation, order.relevanceThreshold)
}

function standingOf(generation: Generation, relevanceThreshold: number | null): string {
  const { status, request, progress, error } = generation
  if (status === 'queued') return 'Waiting for its turn'
  if (status === 'cancelled') return 'Stopped. Nothing was kept.'
  if (status === 'failed') return `It could not be drawn: ${error?.message ?? 'nobody knows why'}`
  if (status === 'done') return outcomeOf(generation, relevanceThreshold)
  const of =
    request.rounds > 1 ? `, round ${progress?.round ?? 1} of at most ${request.rounds}` : ''
  return `Drawing${of}`
}

/** Steps made, and steps in all if every round is needed. */
export function stepsOf({ progress, request }: Generation): { done: number; all: number } {
  const steps = progress?.steps ?? request.steps
  const before = ((progress?.round ?? 1) - 1) * steps
  return { done: before + (progress?.step ?? 0), all: steps * request.rounds }
}

/**
 * Which candidate was kept by itself: the best one that is no copy, which comes first among those
 * that pass. Undefined where none was.
 */
export function findKept({ picture, request, candidates }: Generation): number | undefined {
  if (picture === null || request.keep !== 'accepted') return undefined
  const at = candidates.findIndex(({ passes }) => passes)
  return at < 0 ? undefined : at
}

/** What came of it. */
function outcomeOf(generation: Generation, relevanceThreshold: number | null): string {
  const { picture, request, candidates, offered } = generation
  if (request.keep !== 'accepted') {
    return `${countText(candidates.length, 'picture')} drawn. Nothing is kept unless you say so.`
  }
  if (picture !== null) return 'One was kept: it shows this better than any picture here.'
  const objections = candidates.map((one) => objectionTo(one, offered, relevanceThreshold))
  const counts = [...new Set(objections)].flatMap((objection) => {
    const count = objections.filter((one) => one === objection).length
    return objection === null ? [] : [`${count} × ${objection}`]
  })
  return `None was kept: ${counts.join(', ')}.`
}
