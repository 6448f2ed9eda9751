// One model over one database, open: everything that an answer is made from, so that it all comes
// from the same model.
import { join } from 'node:path'
import type { AnswerContext } from './answer.ts'
import type { Config } from './config.ts'
import type { ContentHash } from './core/hash.ts'
import { once } from './core/once.ts'
import { type Concepts, openConcepts } from './concepts.ts'
import { openLiveIndex, type LiveIndex } from './live-index.ts'
import { type Clip, openClip } from './models/clip.ts'
import type { ModelSpec } from './models/manifest.ts'
import { type EncodeRun, measureClip, shareClip } from './models/shared-clip.ts'
import { keptTuning, type Tuning } from './models/tuning.ts'
import { type FindDuplicates, openDuplicates } from './search/duplicates.ts'
import type { Filter } from './search/filter.ts'
import { loadNeutralBank } from './search/relevance.ts'
import { SAFETY_LOG } from './safety/log.ts'
import type { PromptHook } from './safety/prompt-hook.ts'
import { openSafety, type Safety } from './safety/safety.ts'
import { rememberPictures } from './search/remembered-pictures.ts'
import { storedPictures } from './search/stored-pictures.ts'
import type { IndexIdentity } from './search/vector-index.ts'
import type { OpenDatabase } from './store/database.ts'
import type { PictureFilter } from './store/filters.ts'

/** What every model of one Lucida has in common. */
export interface SpaceOptions {
  readonly config: Config
  readonly database: OpenDatabase
  readonly quietSince: () => number | null
  readonly onRun: (run: EncodeRun) => void
  /** The parts of an answer that are the same for all models. */
  readonly shared: Pick<AnswerContext, 'locateFilter' | 'drawn'>
  /** A program's own check of what is to be drawn. */
  readonly promptHook: PromptHook | undefined
}

/** An open model. */
export interface Space {
  readonly model: ModelSpec
  readonly identity: IndexIdentity
  /** For runs of the indexer, which make their batches themselves. */
  readonly tower: Clip
  /** By what the tuning of this encoder is kept. */
  readonly tuningKey: string
  /** What was measured on this machine before; see models/tuning.ts. */
  readonly tuned: Tuning | undefined
  readonly answer: AnswerContext
  /** As far as this model is concerned: heads are fitted to its vectors. */
  readonly concepts: Concepts
  readonly safety: Safety
  readonly duplicates: FindDuplicates
  readonly live: LiveIndex
  /** Loads all that an answer needs, so that the first need not wait for it. */
  warmUp(): Promise<void>
  /** What was opened to work with this model ends with it. */
  readonly onClose: (end: () => Promise<void>) => void
  close(): Promise<void>
}

/** Opens a model; towers, index and captions are loaded at first use. */
export async function openSpace(model: ModelSpec, options: SpaceOptions): Promise<Space> {
  const { config, database, quietSince, onRun, shared } = options
  const { db, storeId } = database
  const { name, recipe, dimension } = model
  const identity = { storeId, model: name, recipe, dimension }
  const cache = join(config.dataDir, 'cache')
  const tuningKey = `${recipe} on ${config.providers.join(', ')}`
  const tuned = await keptTuning(cache, tuningKey)
  const threads = config.threads || (tuned?.threads ?? 0)
  const tower = measureClip(openClip(model, { threads, providers: config.providers }), onRun)
  const clip = shareClip(tower)
  const live = openLiveIndex({
    db,
    identity,
    kind: config.vectorIndex,
    dataDir: config.dataDir,
    quietSince,
  })
  const adjusting = once(async () => {
    const { openAdjusting } = await import('./audit/adjust.ts')
    const vectorsOf = async (ids: readonly ContentHash[]) => (await live.current()).vectorsOf(ids)
    const findPictures = (ids: readonly ContentHash[]) => pictures.findPictures(ids)
    return openAdjusting(clip.embedTexts, { vectorsOf, findPictures }, config.terms)
  })
  const bank = once(() => loadNeutralBank(model, clip.embedTexts, cache))
  const pictures = rememberPictures(storedPictures(db, identity), quietSince)
  const safety = openSafety({
    model,
    embedTexts: clip.embedTexts,
    bank,
    results: config.safety,
    drawing: config.drawingSafety,
    file: config.safetyFile,
    hookUrl: config.promptHook,
    hook: options.promptHook,
    logFile: join(config.dataDir, SAFETY_LOG),
  })
  const concepts = openConcepts(db, identity, { clip, pictures, index: live.current })
  const locateFilter = async (filter: Filter): Promise<PictureFilter> => {
    const located = await shared.locateFilter(filter)
    const { concept } = filter
    return concept ? { ...located, contents: await concepts.matching(concept) } : located
  }
  const ends: (() => Promise<void>)[] = []
  return {
    model,
    identity,
    tower,
    tuningKey,
    tuned,
    safety,
    answer: {
      safety: safety.results,
      clip,
      index: live.current,
      adjusting,
      bank,
      pictures,
      ...shared,
      locateFilter,
    },
    concepts,
    duplicates: openDuplicates(db, live.current),
    live,
    async warmUp() {
      await clip.embedTexts(['warm'])
      await bank()
      await live.current()
    },
    onClose: (end) => void ends.push(end),
    async close() {
      for (const end of ends) await end()
      // What is saved here need not be built again, should this model come back.
      await live.opened?.save().catch(() => {})
      await live.opened?.close()
      await clip.close()
    },
  }
}
