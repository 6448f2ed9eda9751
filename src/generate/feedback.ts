// Draws in rounds: what was drawn is judged, and while nothing passes, it is tried again from other
// seeds and with more guidance, a bounded number of times. Every try is kept with what it scored.
import { mapItems } from '../core/stream.ts'
import type { DrawEvent, Drawing } from './types.ts'

/** One round. */
export interface Try {
  /** From 1. */
  readonly round: number
  readonly guidance: number
  /** One for each picture. */
  readonly seeds: readonly number[]
  /** Of each picture, in the order of the seeds. */
  readonly scores: readonly number[]
}

/** What a drawing came to. */
export interface Judged {
  /** Higher is better. */
  readonly score: number
  /** Whether it is good enough to stop at. */
  readonly passes: boolean
}

/** A drawing with its judgement. */
export type Candidate<J extends Judged> = Drawing &
  J & { readonly round: number; readonly guidance: number }

export interface RoundOptions<J extends Judged> {
  readonly seed: number
  /** Pictures a round. */
  readonly candidates: number
  readonly guidance: number
  /** At most so many. */
  readonly rounds: number
  readonly draw: (
    seeds: readonly number[],
    guidance: number,
  ) => AsyncGenerator<DrawEvent, Drawing[]>
  readonly judge: (drawing: Drawing) => Promise<J>
}

/** What happens in a round. */
export type RoundEvent =
  | (DrawEvent & { readonly round: number; readonly seeds: readonly number[] })
  | { readonly type: 'judged'; readonly try: Try }

/** Guidance grows by this factor from round to round, and not beyond the limit. */
const MORE_GUIDANCE = 1.5
const MAX_GUIDANCE = 10
const SEEDS = 2 ** 32

/** Draws until something passes or the rounds are over; returns all candidates, best first. */
export async function* drawInRounds<J extends Judged>(
  options: RoundOptions<J>,
): AsyncGenerator<RoundEvent, { candidates: Candidate<J>[]; tries: Try[] }> {
  const { seed, candidates: count, rounds, draw, judge } = options
  const candidates: Candidate<J>[] = []
  const tries: Try[] = []
  let { guidance } = options
  for (let round = 1; round <= rounds; round++) {
    const first = seed + (round - 1) * count
    const seeds = Array.from({ length: count }, (_, i) => (first + i) % SEEDS)
    const events = mapItems(draw(seeds, guidance), (event) => ({ ...event, round, seeds }))
    const drawings = yield* events
    const judged = await Promise.all(
      drawings.map(async (drawing) => ({
        ...drawing,
        ...(await judge(drawing)),
        round,
        guidance,
      })),
    )
    candidates.push(...judged)
    const done = { round, guidance, seeds, scores: judged.map(({ score }) => score) }
    tries.push(done)
    yield { type: 'judged', try: done }
    if (judged.some(({ passes }) => passes)) break
    guidance = Math.min(Math.max(guidance, MAX_GUIDANCE), guidance * MORE_GUIDANCE)
  }
  // The first of equals stays first, so that the order does not depend on how often it was sorted.
  candidates.sort((a, b) => Number(b.passes) - Number(a.passes) || b.score - a.score)
  return { candidates, tries }
}
