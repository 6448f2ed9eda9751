// Orders to draw: in order, followed live. What was drawn can be looked at for a while; what is said of
// it stays in the database.
import { type ErrorCode, LucidaError } from '../core/errors.ts'
import { readAll } from '../core/stream.ts'
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
import { type Packed, pack, unpack } from '../queues/packed.ts'
import { isPending, type Life, type Numbered } from '../queues/work-queue.ts'

/** What followers are told. */
export type GenerationEvent = GenerationStep | GenerationJudged

/** All orders, also those that only the database remembers. */
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
  candidate(id: string, n: number): Promise<DrawnCandidate>
  /** Puts it into the collection; returns the id of the picture. Throws `not_found`, `bad_input`. */
  keep(id: string, n: number): Promise<string>
  /** Orders that wait or are drawn. */
  countPending(): Promise<number>
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

type DrawingLucida = Pick<
  Lucida,
  'plan' | 'generation' | 'keepCandidate' | 'queues' | 'drawnPictures'
>

/** An order as any worker can take it up. */
interface DrawingOrder {
  readonly options: Packed
  readonly seed: number
}

/** Orders of this process, or those that it shares with others. */
export function openGenerations(lucida: DrawingLucida): Generations {
  const drawn = lucida.drawnPictures
  const queue = lucida.queues.open<DrawingOrder, GenerationFacts, GenerationEvent>({
    kind: 'generate',
    one: 'generation',
    many: 'orders to draw',
    maxEvents: MAX_EVENTS,
    isPassing: ({ type }) => type === 'step',
    async work({ options, seed }, { id, signal, tell, update }) {
      const plan = await lucida.plan(unpack(options) as GenerateOptions, { id, seed })
      let tries: Generation['tries'] = []
      // Ended also where nobody can be told: the next order waits for that.
      const ended = await readAll(plan.run(signal), async (news) => {
        if (news.type === 'judged') {
          const event = judgedOf(news)
          tries = [...tries, event.try]
          await tell(event, { tries })
        } else {
          const { round, step, steps } = news
          await tell(await stepOf(news), { progress: { round, step, steps } })
        }
      })
      const { candidates, picture, offered, withheld } = ended
      await drawn.put(id, candidates)
      await update({
        candidates: candidates.map(withoutPng),
        picture,
        offered,
        withheld,
        progress: null,
      })
    },
  })

  const present = async (now: Life & GenerationFacts) => {
    const there = await drawn.ranks(now.id)
    return toGeneration(now, (n) => there.has(n))
  }

  const find = async (id: string) => {
    const known = await queue.find(id)
    return known ? present(known) : storedGeneration(await lucida.generation(id))
  }

  const candidate = async (id: string, n: number) => {
    const found = await drawn.find(id, n)
    if (found) return found
    throw new LucidaError('not_found', `There is no candidate ${n} of ${id}, or no longer`)
  }

  /** `isShared`: who asks for the same meanwhile is given this one. */
  function start(plan: PlannedGeneration, options: GenerateOptions, isShared: boolean) {
    const order = { options: pack(options), seed: plan.request.seed }
    return queue.start(order, factsOf(plan, isShared), plan.id)
  }

  let turn: Promise<unknown> = Promise.resolve()
  /** Who looks whether the same is under way waits for those who do so at this moment. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work)
    turn = result.catch(() => {})
    return result
  }

  /** Only what was understood is ordered; whoever takes it up understands it again. */
  async function plan(options: GenerateOptions): Promise<PlannedGeneration> {
    await queue.assertRoom()
    const plan = await lucida.plan(options)
    plan.discard()
    return plan
  }

  return {
    async order(options) {
      const planned = await plan(options)
      if (planned.earlier) return { generation: storedGeneration(planned.earlier), isNew: false }
      const { now, isNew } = await inTurn(async () => {
        const same = (await queue.list()).find(
          ({ state, sharedAs }) => isPending(state) && sharedAs === planned.requestHash,
        )
        return { now: same ?? (await start(planned, options, true)), isNew: same === undefined }
      })
      return { generation: await present(now), isNew }
    },
    async draw(options, signal) {
      const planned = await plan(options)
      assertWaiting(signal)
      const { id } = await start(planned, options, false)
      const cancel = () => void queue.cancel(id).catch(() => {})
      signal.addEventListener('abort', cancel)
      // Gone while it was ordered: then nobody is told any more.
      if (signal.aborted) cancel()
      try {
        for await (const _ of queue.events(id, 0, signal));
      } finally {
        signal.removeEventListener('abort', cancel)
      }
      assertWaiting(signal)
      const { state, error } = await queue.get(id)
      if (error) throw new LucidaError(error.code as ErrorCode, error.message)
      if (state === 'cancelled') throw new LucidaError('cancelled', 'The drawing was cancelled')
      const candidates: DrawnCandidate[] = []
      for (const n of await drawn.ranks(id)) candidates.push(await candidate(id, n))
      return { id, candidates }
    },
    find,
    async cancel(id) {
      if (await queue.find(id)) {
        // It ends between two steps; who asks for the same until then is not given it any more.
        await queue.update(id, { sharedAs: null })
        await queue.cancel(id)
      }
      return find(id)
    },
    async *events(id, after, signal) {
      // Of an order that only the database remembers there is nothing more to tell.
      if (await queue.find(id)) yield* queue.events(id, after, signal)
    },
    candidate,
    async keep(id, n) {
      const picture = await lucida.keepCandidate(id, await candidate(id, n))
      const known = await queue.find(id)
      if (known) await queue.update(id, { picture: known.picture ?? picture })
      return picture
    },
    countPending: queue.countPending,
    onEnd: queue.onEnd,
    close: queue.close,
  }
}

/** Throws where nobody waits any more. */
function assertWaiting(signal: AbortSignal): void {
  if (signal.aborted) throw new LucidaError('cancelled', 'The caller has gone')
}

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
