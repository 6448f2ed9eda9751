// Drawing as the open Lucida does it: each model's painter is opened at its first order, and closed with
// the model.
import type { Config } from './config.ts'
import { LucidaError } from './core/errors.ts'
import type { ContentHash } from './core/hash.ts'
import { placeIn } from './core/place.ts'
import {
  type DrawnCandidate,
  type GenerationContext,
  type Identity,
  keepCandidate,
  type PlannedGeneration,
  planGeneration,
} from './develop/develop.ts'
import type { GenerateOptions } from './develop/order.ts'
import type { Painter } from './generate/types.ts'
import type { Indexing } from './indexing.ts'
import type { ServingSpace } from './serving-space.ts'
import { realPlace } from './sources/open-source.ts'
import type { Space } from './space.ts'
import type { Database } from './store/database.ts'
import { claimDrawnFolder } from './store/drawn.ts'

/** An order that was understood: `run` draws it, or `discard` lets go of the model. */
export interface OpenPlan extends PlannedGeneration {
  discard(): void
}

/** What drawing needs of the open Lucida. */
export interface DrawingContext {
  readonly config: Config
  readonly db: Database
  readonly spaces: ServingSpace
  readonly index: Indexing['index']
  /** Where drawings are kept. */
  readonly folder: string
}

/** Orders, and what is kept of them. */
export interface Drawing {
  /**
   * Understands an order to draw something; what it returns draws it. `as` makes it the order that
   * was planned before, maybe elsewhere. Throws `bad_input`, `not_found`, `corrupt_image`,
   * `model_missing`, `dimension_mismatch`.
   */
  plan(options: GenerateOptions, as?: Identity): Promise<OpenPlan>
  /** Puts a candidate of an order that has ended into the collection. Throws `bad_input`. */
  keepCandidate(id: string, candidate: DrawnCandidate): Promise<ContentHash>
}

/** Opens nothing yet: most who open Lucida never draw anything. */
export function openDrawing({ config, db, spaces, index, folder }: DrawingContext): Drawing {
  const painters = new WeakMap<Space, Promise<Painter>>()

  async function openPainterFor({ answer, onClose }: Space): Promise<Painter> {
    const { findPipeline } = await import('./generate/pipelines.ts')
    const { openPainter } = await import('./generate/painter.ts')
    const spec = await findPipeline(config.generator, config.modelsDir)
    const { threads, providers } = config
    const painter = openPainter(spec, { threads, providers, embedTexts: answer.clip.embedTexts })
    onClose(() => painter.close())
    return painter
  }

  /** Drawing with one model, which may read the texts too. */
  const contextOf = (space: Space): GenerationContext => ({
    db,
    answer: space.answer,
    safety: space.safety.drawing,
    folder,
    openPainter: async () => {
      const opening = painters.get(space) ?? openPainterFor(space)
      painters.set(space, opening)
      opening.catch(() => painters.delete(space))
      return opening
    },
    async indexFolder(file) {
      const path = await realPlace(folder)
      await claimDrawnFolder(db, path)
      for await (const event of index([path])) {
        // Whatever else lies there and is no picture does not concern this one.
        if (event.type !== 'failure' || event.path !== placeIn(path, file)) continue
        throw new LucidaError('internal', event.reason)
      }
    },
  })

  return {
    async plan(options, as) {
      // Held until it is drawn. One that is never drawn only keeps a model that was replaced open.
      const { space, release } = spaces.hold()
      try {
        const planned = await planGeneration(contextOf(space), options, as)
        if (planned.earlier) release()
        return {
          ...planned,
          discard: release,
          async *run(signal) {
            try {
              return yield* planned.run(signal)
            } finally {
              release()
            }
          },
        }
      } catch (error) {
        release()
        throw error
      }
    },
    keepCandidate: (id, candidate) =>
      spaces.with((space) => keepCandidate(contextOf(space), id, candidate)),
  }
}
