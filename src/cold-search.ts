// A search from a cold start: answered from a checkpoint's files, without opening the database,
// which alone takes longer than all the rest. Nothing here may import the store.
import { join } from 'node:path'
import {
  type AnswerContext,
  answerSearch,
  type SearchAnswer,
  type SearchOptions,
  type SearchTerm,
} from './answer.ts'
import type { Config } from './config.ts'
import { LucidaError } from './core/errors.ts'
import type { ContentHash } from './core/hash.ts'
import { openClip } from './models/clip.ts'
import type { ModelSpec } from './models/manifest.ts'
import type { ConceptContext } from './safety/concepts.ts'
import { SAFETY_LOG } from './safety/log.ts'
import { findModelFor } from './models/every-pixel.ts'
import { DEFAULT_MODEL } from './models/registry.ts'
import {
  type Checkpoint,
  findServingCheckpoint,
  readCheckpoint,
  spaceFolder,
} from './search/checkpoint.ts'
import { openIndexFor } from './search/open-index.ts'
import { openPictureTable } from './search/picture-table.ts'
import { loadNeutralBank } from './search/relevance.ts'

/**
 * Answers a search from the checkpoint, or returns null where none stands (the database is on a
 * server, something was written since, another index is asked for) or where it cannot tell (filters,
 * order by date and concepts are the database's): then open Lucida and ask it.
 */
export async function searchCold(
  config: Config,
  terms: readonly (SearchTerm | { readonly concept: string })[],
  options: SearchOptions,
  withoutQuery: boolean,
): Promise<SearchAnswer | null> {
  if (config.databaseUrl || options.filter || options.cursor) return null
  if (options.orderBy === 'takenAt') return null
  const plain = terms.filter((term): term is SearchTerm => !('concept' in term))
  if (plain.length < terms.length) return null
  const standing = await findStanding(config)
  if (!standing || !suits(config, standing.checkpoint)) return null
  const { model, checkpoint } = standing
  const folder = spaceFolder(config.dataDir, checkpoint.identity)
  const table = await openPictureTable(join(folder, checkpoint.table.name), checkpoint.table)
  if (!table) return null
  const clip = openClip(model, config)
  const index = openIndex(checkpoint, folder)
  // Reported where it is awaited, which may be much later.
  index.catch(() => {})
  const find = (hashes: readonly ContentHash[]) => table.find(hashes)
  const vectorsOf = async (hashes: readonly ContentHash[]) => (await index).vectorsOf(hashes)
  const bank = () => loadNeutralBank(model, clip.embedTexts, join(config.dataDir, 'cache'))
  const context: AnswerContext = {
    clip,
    index: () => index,
    bank,
    safety: await openSafetyFor(config, { model, embedTexts: clip.embedTexts, bank }),
    locateFilter: async () => ({}),
    adjusting: async () => {
      const { openAdjusting } = await import('./audit/adjust.ts')
      return openAdjusting(clip.embedTexts, { vectorsOf, findPictures: find }, config.terms)
    },
    drawn: async () => ({ folders: [], contents: new Set(checkpoint.drawn) }),
    pictures: {
      findPictures: find,
      findVectors: vectorsOf,
      findMatching: needsDatabase,
      findMatchingByDate: needsDatabase,
      countMatching: needsDatabase,
      lastSequence: needsDatabase,
      findAddedSince: needsDatabase,
    },
  }
  try {
    return await answerSearch(context, plain, options, withoutQuery)
  } catch (error) {
    if (error instanceof LucidaError && error.code === 'index_stale') return null
    throw error
  } finally {
    await Promise.all([
      table.close(),
      clip.close(),
      index.then(
        (opened) => opened.close(),
        () => {},
      ),
    ])
  }
}

/** The checkpoint of the model that a setting names, else of the collection's own, with that model. */
async function findStanding(
  config: Config,
): Promise<{ checkpoint: Checkpoint; model: ModelSpec } | null> {
  if (config.model === undefined) {
    const checkpoint = await findServingCheckpoint(config.dataDir)
    const model = checkpoint && (await findModelFor(config, checkpoint.identity.model))
    return model?.recipe === checkpoint?.identity.recipe && model ? { checkpoint, model } : null
  }
  const model = await findModelFor(config, config.model)
  const { name, recipe } = model
  const checkpoint = await readCheckpoint(config.dataDir, { model: name, recipe })
  return checkpoint && { checkpoint, model }
}

/** The collection's own model as its checkpoint says, the built-in one where none stands. */
export async function findServingModel({ dataDir }: Config): Promise<string> {
  return (await findServingCheckpoint(dataDir))?.identity.model ?? DEFAULT_MODEL
}

/** Loaded where it is on: a cold search loads no more than it needs. */
async function openSafetyFor(config: Config, concepts: ConceptContext) {
  if (config.safety === 'off') return undefined
  const { openSafety } = await import('./safety/safety.ts')
  const { safety: results, drawingSafety: drawing, safetyFile: file } = config
  const logFile = join(config.dataDir, SAFETY_LOG)
  return openSafety({ ...concepts, results, drawing, file, logFile }).results
}

function needsDatabase(): never {
  throw new LucidaError('internal', 'A checkpoint answers neither filters nor cursors')
}

function suits(config: Config, { kind }: Checkpoint): boolean {
  return config.vectorIndex === 'auto' || config.vectorIndex === kind
}

/** Opens the index that the checkpoint names. Throws `index_stale` when it is not that one. */
async function openIndex(checkpoint: Checkpoint, folder: string) {
  const { identity, kind, size, sequence } = checkpoint
  const index = await openIndexFor({ kind, count: size, identity, directory: folder, fresh: false })
  if (index.size === size && index.sequence === sequence) return index
  await index.close()
  throw new LucidaError('index_stale', 'The saved index is not the one of the checkpoint')
}
