// Indexing runs without a model: vectors are a plain function of the pixels.
import { normalize, type UnitVector } from '../../src/core/vector.ts'
import type { IndexCounts, IndexEvent } from '../../src/indexer/events.ts'
import { type IndexOptions, indexFolder, type PipelineContext } from '../../src/indexer/pipeline.ts'
import type { PixelRule } from '../../src/models/pixel-rule.ts'
import { preprocess } from '../../src/models/preprocess.ts'
import type { Database } from '../../src/store/database.ts'
import { claimRoot } from '../../src/store/roots.ts'

/** A model that answers at once and counts its work. */
export interface FakeModel extends Omit<PipelineContext, 'db'> {
  /** Pictures embedded so far. */
  readonly embedded: number
  /** The vector of one picture, computed alone and not counted. */
  vectorOf(picture: Uint8Array): Promise<UnitVector>
}

const RULE: PixelRule = {
  resize: 'squash',
  heightPx: 4,
  widthPx: 4,
  shortestEdgePx: 4,
  filter: 'cubic',
  rescale: 1 / 255,
  mean: [0.5, 0.5, 0.5],
  std: [1, 1, 1],
}

/** A model whose recipe is part of its vectors, as with a real one. */
export function fakeModel(recipe = 'first'): FakeModel {
  const bias = recipe.length
  const vectorOf = (pixels: Float32Array) => normalize([...pixels, bias])
  let embedded = 0
  return {
    space: { model: 'fake', recipe },
    preprocess: (bytes) => preprocess(bytes, RULE),
    batchSize: () => 32,
    async embedPixels(pictures) {
      embedded += pictures.length
      return pictures.map(vectorOf)
    },
    get embedded() {
      return embedded
    },
    vectorOf: async (picture) => vectorOf(await preprocess(picture, RULE)),
  }
}

/** What one run over one folder did. */
export interface RunReport {
  readonly events: readonly IndexEvent[]
  readonly counts: Readonly<IndexCounts>
  readonly cancelled: boolean
  /** Paths of this run's failures. */
  readonly failed: readonly string[]
  readonly unmounted: { readonly lost: number; readonly of: number } | undefined
}

/** Claims and indexes a folder as `lucida index` does. */
export async function runIndexing(
  db: Database,
  model: FakeModel,
  folder: string,
  options: IndexOptions & {
    readonly exclude?: readonly string[]
    readonly onEvent?: (event: IndexEvent) => void
  } = {},
): Promise<RunReport> {
  const { exclude, onEvent, ...how } = options
  const root = await claimRoot(db, folder, exclude)
  const events: IndexEvent[] = []
  const { space, preprocess, embedPixels, batchSize } = model
  for await (const event of indexFolder(
    { db, space, preprocess, embedPixels, batchSize },
    root,
    folder,
    how,
  )) {
    events.push(event)
    onEvent?.(event)
  }
  const done = events.find((event) => event.type === 'done')!
  return {
    events,
    counts: done.counts,
    cancelled: done.cancelled,
    failed: events.flatMap((event) => (event.type === 'failure' ? [event.path] : [])),
    unmounted: events.find((event) => event.type === 'unmounted'),
  }
}
