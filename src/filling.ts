// Gives pictures vectors of a model beside the one that answers: by this process alone, or by all workers
// together, one of which finds what is missing and hands it out.
import { availableParallelism } from 'node:os'
import type { Config } from './config.ts'
import { type ContentHash, sha256 } from './core/hash.ts'
import { keepOpen } from './core/keep-open.ts'
import { streamOf } from './core/stream.ts'
import { type FillContext, fillContents, type FillPass, fillVectors } from './indexer/fill.ts'
import { type Clip, openClip } from './models/clip.ts'
import type { ModelSpec } from './models/manifest.ts'
import type { VectorSpace } from './store/changes.ts'
import { openClaims } from './store/claims.ts'
import type { Database } from './store/database.ts'
import { findMissing, writeFilled } from './store/vectors.ts'

/** Has pictures filled by all workers. */
export type FillTogether = (
  run: { readonly id: string; readonly signal: AbortSignal },
  space: VectorSpace,
  contents: AsyncIterable<ContentHash>,
) => AsyncGenerator<FillPass | LeftOut>

/** Pictures that no worker could be given. */
export interface LeftOut {
  readonly contents: readonly ContentHash[]
  readonly reason: string
}

/** Pictures that are to be given vectors of a model. */
export interface FillOrder {
  readonly space: VectorSpace
  readonly contents: readonly ContentHash[]
}

/** Fills pictures. */
export interface Filling {
  /** Walks once over what a model lacks; `elsewhere` where another process is at it. */
  readonly walk: (
    model: ModelSpec,
    together: FillTogether | undefined,
    isOver: () => boolean,
  ) => AsyncGenerator<FillPass | 'elsewhere'>
  /** Fills what another process has found missing. */
  readonly some: (model: ModelSpec, order: FillOrder, signal: AbortSignal) => Promise<FillPass>
  readonly close: () => Promise<void>
}

export const NOTHING_FILLED: FillPass = { filled: 0, failed: 0, away: 0, unwanted: false }

/** A model is kept so long for the next pictures. */
const KEEP_MS = 30_000
/** Between looks whether the walk is to end. */
const LOOK_MS = 200
/** Processes that begin at once begin at different places. */
const SLICES = 64

/** Opens models as they are needed. */
export function openFilling(config: Config, db: Database): Filling {
  const kept = keepOpen<Clip>(KEEP_MS)
  const withClip = <T>(model: ModelSpec, work: (context: FillContext) => Promise<T>): Promise<T> =>
    kept.use(
      model.recipe,
      async () => openHalf(config, model),
      (clip) => work({ db, space: spaceOf(model), clip }),
    )

  async function* alone(model: ModelSpec, isOver: () => boolean): AsyncGenerator<FillPass> {
    const clip = openHalf(config, model)
    try {
      const firstSlice = Math.floor(Math.random() * SLICES)
      yield* fillVectors({ db, space: spaceOf(model), clip }, { isOver, firstSlice })
    } finally {
      await clip.close()
    }
  }

  async function* together(
    fill: FillTogether,
    model: ModelSpec,
    isOver: () => boolean,
  ): AsyncGenerator<FillPass | 'elsewhere'> {
    const space = spaceOf(model)
    const leading = openClaims(db, space)
    const over = new AbortController()
    const looking = setInterval(() => isOver() && over.abort(), LOOK_MS)
    const run = { id: `fill ${space.model} ${space.recipe}`, signal: over.signal }
    let sum = NOTHING_FILLED
    try {
      if (!(await leading.take(sha256(`fills ${space.recipe}`)))) {
        yield 'elsewhere'
        return
      }
      for await (const some of fill(run, space, findMissing(db, space))) {
        sum = add(sum, 'contents' in some ? await leaveOut(db, space, some) : some)
        yield sum
        if (sum.unwanted) return
      }
    } finally {
      clearInterval(looking)
      await leading.release()
    }
  }

  return {
    walk: (model, fill, isOver) => (fill ? together(fill, model, isOver) : alone(model, isOver)),
    some: (model, { contents }, signal) =>
      withClip(model, async (context) => {
        let last = NOTHING_FILLED
        const passes = fillContents(context, streamOf(contents), () => signal.aborted)
        for await (const pass of passes) last = pass
        return last
      }),
    close: () => kept.close(),
  }
}

function spaceOf({ name, recipe, dimension }: ModelSpec) {
  return { model: name, recipe, dimension }
}

/** With half of the machine, so that searches keep the other. */
function openHalf(config: Config, model: ModelSpec): Clip {
  const threads = config.threads || Math.max(1, Math.floor(availableParallelism() / 2))
  return openClip(model, { threads, providers: config.providers })
}

/** Writes down what no worker could be given, so that it holds up nothing. */
async function leaveOut(
  db: Database,
  space: ReturnType<typeof spaceOf>,
  { contents, reason }: LeftOut,
): Promise<FillPass> {
  const failures = contents.map((content) => ({ content, path: '', code: 'internal', reason }))
  const isWanted = await writeFilled(db, space, { vectors: [], failures })
  return { ...NOTHING_FILLED, failed: failures.length, unwanted: !isWanted }
}

function add(a: FillPass, b: FillPass): FillPass {
  return {
    filled: a.filled + b.filled,
    failed: a.failed + b.failed,
    away: a.away + b.away,
    unwanted: b.unwanted,
  }
}
