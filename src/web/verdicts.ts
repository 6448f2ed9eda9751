// What is said of drawings while they are made and once they are judged.
import type { Candidate, Generation } from '../api/generation-contract.ts'
import { countText } from './describe.ts'
import type { Order } from './orders.ts'
import type { Development } from './store.ts'

/** Whether something is still to come. */
export function isUnderWay({ status }: Generation): boolean {
  return status === 'queued' || status === 'running'
}

/** What speaks against keeping a candidate: of one, and of several. */
const OBJECTIONS = {
  copy: ['is a near copy of a picture here', 'are near copies of pictures here'],
  learned: [
    'is a near copy of a picture it was trained on',
    'are near copies of training pictures',
  ],
  unclear: ['does not show it clearly', 'do not show it clearly'],
  worse: ['is no better than what is here', 'are no better than what is here'],
} as const

type Objection = keyof typeof OBJECTIONS

/** The first thing that speaks against a candidate. Copies cannot be kept at all. */
export function findObjection(
  { nearCopyOf, memorised, relevance, score }: Candidate,
  offered: number | null,
  relevanceThreshold: number | null,
): Objection | null {
  if (nearCopyOf !== null) return 'copy'
  if (memorised) return 'learned'
  const isUnclear = relevance !== null && relevance < (relevanceThreshold ?? 0)
  if (isUnclear) return 'unclear'
  return offered !== null && score <= offered ? 'worse' : null
}

/** What is said of one candidate. */
export function verdictOn(candidate: Candidate, { request, offered }: Generation, order: Order) {
  const objection = findObjection(candidate, offered, order.relevanceThreshold)
  if (objection !== null) return OBJECTIONS[objection][0]
  return request.keep === 'accepted' ? 'shows it' : ''
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

/** The picture of an order whose candidates the server has forgotten: it was drawn before. */
export function findEarlier({ picture, candidates }: Generation): string | null {
  return candidates.every(({ url }) => url === null) ? picture : null
}

/** What came of it. */
function outcomeOf(generation: Generation, relevanceThreshold: number | null): string {
  const { picture, request, candidates, offered, withheld } = generation
  if (findEarlier(generation) !== null) return 'This was drawn before, and a picture was kept.'
  const held =
    withheld > 0 ? ` ${countText(withheld, 'picture')} withheld by the safety policy.` : ''
  if (request.keep !== 'accepted') {
    return `${countText(candidates.length, 'picture')} drawn. Nothing is kept unless you say so.${held}`
  }
  if (picture !== null) return `One was kept: it shows this better than any picture here.${held}`
  const objections = candidates.map((one) => findObjection(one, offered, relevanceThreshold))
  const reasons = Object.entries(OBJECTIONS).flatMap(([name, [one, several]]) => {
    const count = objections.filter((objection) => objection === name).length
    const what = candidates.length === 1 ? 'it' : `${count} of ${candidates.length}`
    return count === 0 ? [] : [`${what} ${count === 1 ? one : several}`]
  })
  return `None was kept by itself: ${reasons.join(', ')}.${held}`
}
