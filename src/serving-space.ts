// Which open model answers now. Whoever works with one holds it until the work is done, so that every
// answer comes from one model alone; a model that was replaced is closed when nobody holds it.
import { messageOf } from './core/errors.ts'
import type { ModelSpec } from './models/manifest.ts'
import type { VectorSpace } from './store/changes.ts'
import type { Space } from './space.ts'

/** A model that stays open until it is released. */
export interface HeldSpace {
  readonly space: Space
  readonly release: () => void
}

/** How another process's choice is noticed. */
export interface Following {
  /** The model that is to answer; `null` while none was chosen. */
  readonly wanted: () => Promise<VectorSpace | null>
  /** Opens it. Throws where it is not at hand. */
  readonly open: (wanted: VectorSpace) => Promise<Space>
}

/** The models of one Lucida. */
export interface ServingSpace {
  /** As it is now; whoever works with it holds it. */
  readonly now: Space
  /** Why the choice of others is not followed; `null` when it is. */
  readonly trouble: string | null
  hold(): HeldSpace
  /** Holds it while `work` runs. */
  with<T>(work: (space: Space) => Promise<T>): Promise<T>
  /** From now on this one answers; the other is closed when nobody works with it any more. */
  replace(space: Space): void
  close(): Promise<void>
}

/** Looks at the choice of others at most so often; what answers meanwhile is whole and consistent. */
const LOOK_EVERY_MS = 1000
/** Before a model that could not be opened is tried again. */
const TRY_AGAIN_MS = 30_000

/** Begins with `first`. Follows nobody where the model was chosen for this process alone. */
export function openServingSpace(first: Space, following: Following | null): ServingSpace {
  let now = first
  // Whatever was closed is let go of: an index may be most of the memory.
  const holders = new Map<Space, number>()
  const closing = new Set<Promise<void>>()
  let isClosed = false
  let nextLook = 0
  let trouble: string | null = null
  let looking: Promise<void> | undefined

  const closeUnused = (space: Space) => {
    if (isClosed || space === now || holders.has(space)) return
    const closed: Promise<void> = space
      .close()
      .catch(() => {})
      .finally(() => closing.delete(closed))
    closing.add(closed)
  }
  const replace = (space: Space) => {
    const before = now
    now = space
    if (before !== space) closeUnused(before)
  }
  const look = async ({ wanted, open }: Following) => {
    const model = await wanted()
    if (!model || isSame(now.model, model)) return
    const space = await open(model)
    try {
      await space.warmUp()
      // Chosen here meanwhile, or by somebody else again: the next look tells.
      const still = await wanted()
      if (still && isSame(space.model, still) && !isSame(now.model, still)) replace(space)
    } finally {
      if (now !== space) await space.close()
    }
  }
  /** Nobody waits for it: until another model is ready, this one answers. */
  const lookAround = () => {
    if (!following || looking || performance.now() < nextLook) return
    nextLook = performance.now() + LOOK_EVERY_MS
    looking = look(following)
      .then(
        () => void (trouble = null),
        (error: unknown) => {
          trouble = `${now.model.name} still answers here: ${messageOf(error)}`
          nextLook = performance.now() + TRY_AGAIN_MS
        },
      )
      .finally(() => (looking = undefined))
  }
  const hold = (): HeldSpace => {
    lookAround()
    const space = now
    holders.set(space, (holders.get(space) ?? 0) + 1)
    let isHeld = true
    return {
      space,
      release() {
        if (!isHeld) return
        isHeld = false
        const others = holders.get(space)! - 1
        if (others > 0) holders.set(space, others)
        else {
          holders.delete(space)
          closeUnused(space)
        }
      },
    }
  }

  return {
    get now() {
      return now
    },
    get trouble() {
      return trouble
    },
    hold,
    async with(work) {
      const { space, release } = hold()
      try {
        return await work(space)
      } finally {
        release()
      }
    },
    replace,
    async close() {
      nextLook = Infinity
      await looking
      isClosed = true
      const open = new Set([now, ...holders.keys()])
      await Promise.all([...closing, ...[...open].map((space) => space.close())])
    },
  }
}

function isSame(model: ModelSpec, space: VectorSpace): boolean {
  return model.name === space.model && model.recipe === space.recipe
}
