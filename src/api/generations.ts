// Orders to draw: one at a time, in order, followed live. What was drawn stays in memory for a while,
// so that it can be looked at; what is said of it stays in the database.
import { type ErrorCode, LucidaError } from '../core/errors.ts'
import {
  type DrawnCandidate,
  encodePreview,
  type GenerateEvent,
  type GenerateOptions,
  type Lucida,
  type PlannedGeneration,
} from '../lucida.ts'
import type { Generation, GenerationJudged, GenerationStep } from './generation-contract.ts'
import { type GenerationFacts, storedGeneration, toGeneration } from './present-generation.ts'
import { isPending, type Life, type Numbered, openWorkQueue } from './work-queue.ts'

/** What followers are told. */
export type GenerationEvent = GenerationStep | GenerationJudged

/** All orders of this process, and those that the database remembers. */
export interface Generations {
  /**
   * Understands an order and draws it in its turn. Where the same was drawn and kept before, or is
   * under way, that is what is returned. Throws what planning throws, and `overloaded`.
   */
  order(options: GenerateOptions): Promise<{ generation: Generation; isNew: boolean }>
  /** Draws for one caller, who waits; `signal` ends it. Best first. */
  draw(options: GenerateOptions, signal: AbortSignal): Promise<DrawnOrder>
  /** Throws `not_found`. */
  find(id: string): Promise<Generation>
  /** Ends it between two steps. Throws `not_found`. */
  cancel(id: string): Promise<Generation>
  /** Events after number `after`, those to come included, until it has ended. */
  events(id: string, after: number, signal: AbortSignal): AsyncGenerator<Numbered<GenerationEvent>>
  /** The `n`th best of an order, from 0, as PNG. Throws `not_found` also once it is forgotten. */
  candidate(id: string, n: number): DrawnCandidate
  /** Puts it into the collection; returns the id of the picture. Throws `not_found`, `bad_input`. */
  keep(id: string, n: number): Promise<string>
  /** Orders that wait or are drawn. */
  readonly pending: number
  onEnd(listener: (ended: Life) => void): void
  /** Cancels all and waits for them. */
  close(): Promise<void>
}

/** What one caller waited for. */
export interface DrawnOrder {
  readonly id: string
  readonly candidates: readonly DrawnCandidate[]
}

/** A follower who comes late needs no more: how it stands is told first. */
const MAX_EVENTS = 100
/** Pictures in memory; whatever is beyond that is forgotten, the oldest orders first. */
const MAX_PICTURE_BYTES = 256e6

type DrawingLucida = Pick<Lucida, 'plan' | 'generation' | 'keepCandidate'>

/** Starts with none. */
export function openGenerations(lucida: DrawingLucida): Generations {
  const queue = openWorkQueue<GenerationFacts, GenerationEvent>({
    one: 'generation',
    many: 'orders to draw',
    maxEvents: MAX_EVENTS,
    isPassing: ({ type }) => type === 'step',
  })
  const drawn = new Map<string, readonly DrawnCandidate[]>()
  queue.onEnd(() => forgetPictures(drawn, queue.has))

  const present = (now: Life & GenerationFacts) =>
    toGeneration(now, (n) => drawn.get(now.id)?.[n] !== undefined)

  const find = async (id: string) =>
    queue.has(id) ? present(queue.find(id)) : storedGeneration(await lucida.generation(id))

  const candidate = (id: string, n: number) => {
    const found = drawn.get(id)?.[n]
    if (found) return found
    throw new LucidaError('not_found', `There is no candidate ${n} of ${id}, or no longer`)
  }

  /** `isShared`: who asks for the same meanwhile is given this one. */
  function start(plan: PlannedGeneration, isShared: boolean): Life & GenerationFacts {
    const facts = factsOf(plan, isShared)
    return queue.start(
      facts,
      async ({ signal, tell, update }) => {
        let tries: Generation['tries'] = []
        const run = plan.run(signal)
        let next = await run.next()
        for (; !next.done; next = await run.next()) {
          if (next.value.type === 'judged') {
            const event = judgedOf(next.value)
            tries = [...tries, event.try]
            tell(event, { tries })
          } else {
            const { round, step, steps } = next.value
            tell(await stepOf(next.value), { progress: { round, step, steps } })
          }
        }
        const { candidates, picture, offered, withheld } = next.value
        drawn.set(plan.id, candidates)
        update({
          candidates: candidates.map(withoutPng),
          picture,
          offered,
          withheld,
          progress: null,
        })
      },
      plan.id,
    )
  }

  return {
    async order(options) {
      queue.assertRoom()
      const plan = await lucida.plan(options)
      if (plan.earlier) return { generation: storedGeneration(plan.earlier), isNew: false }
      const same = queue
        .list()
        .find(({ state, sharedAs }) => isPending(state) && sharedAs === plan.requestHash)
      return { generation: present(same ?? start(plan, true)), isNew: same === undefined }
    },
    async draw(options, signal) {
      queue.assertRoom()
      const plan = await lucida.plan(options)
      assertWaiting(signal)
      const { id } = start(plan, false)
      const cancel = () => void queue.cancel(id)
      signal.addEventListener('abort', cancel)
      try {
        for await (const _ of queue.events(id, 0, signal));
      } finally {
        signal.removeEventListener('abort', cancel)
      }
      assertWaiting(signal)
      const { state, error } = queue.find(id)
      if (error) throw new LucidaError(error.code as ErrorCode, error.message)
      if (state === 'cancelled') throw new LucidaError('cancelled', 'The drawing was cancelled')
      return { id, candidates: drawn.get(id) ?? [] }
    },
    find,
    async cancel(id) {
      if (queue.has(id)) queue.cancel(id)
      return find(id)
    },
    events: (id, after, signal) =>
      queue.has(id) ? queue.events(id, after, signal) : nothingMore(),
    candidate,
    async keep(id, n) {
      const picture = await lucida.keepCandidate(id, candidate(id, n))
      if (queue.has(id)) queue.update(id, { picture: queue.find(id).picture ?? picture })
      return picture
    },
    get pending() {
      return queue.pending
    },
    onEnd: queue.onEnd,
    close: queue.close,
  }
}

/** Throws where nobody waits any more. */
function assertWaiting(signal: AbortSignal): void {
  if (signal.aborted) throw new LucidaError('cancelled', 'The caller has gone')
}

/** Of an order that only the database remembers. */
async function* nothingMore(): AsyncGenerator<never> {}

function factsOf({ request, requestHash }: PlannedGeneration, isShared: boolean): GenerationFacts {
  const sharedAs = isShared ? requestHash : null
  const nothing = {
    progress: null,
    tries: [],
    candidates: [],
    picture: null,
    offered: null,
    withheld: 0,
  }
  return { request, sharedAs, ...nothing }
}

function withoutPng(candidate: DrawnCandidate): Omit<DrawnCandidate, 'png'> {
  const { png: _, ...rest } = candidate
  return rest
}

async function stepOf({
  round,
  step,
  steps,
  seeds,
  previews,
}: Extract<GenerateEvent, { type: 'step' }>): Promise<GenerationStep> {
  return {
    type: 'step',
    round,
    step,
    steps,
    seeds: [...seeds],
    ...(previews && { previews: await Promise.all(previews.map(encodePreview)) }),
  }
}

function judgedOf(event: Extract<GenerateEvent, { type: 'judged' }>): GenerationJudged {
  const { seeds, scores, ...rest } = event.try
  return { type: 'judged', try: { ...rest, seeds: [...seeds], scores: [...scores] } }
}

/** Keeps the pictures of the newest orders, as many as there is room for. */
function forgetPictures(
  drawn: Map<string, readonly DrawnCandidate[]>,
  isKnown: (id: string) => boolean,
): void {
  let room = MAX_PICTURE_BYTES
  for (const [id, candidates] of [...drawn].toReversed()) {
    // Of one order, the best first.
    const fitting = candidates.filter(({ png }) => (room -= png.byteLength) >= 0)
    if (fitting.length === 0 || !isKnown(id)) drawn.delete(id)
    else drawn.set(id, fitting)
  }
}
