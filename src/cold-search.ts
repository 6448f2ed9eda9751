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
import { openClip } from './models/clip.ts'
import { findModel } from './models/registry.ts'
import type { ConceptContext } from './safety/concepts.ts'
import { SAFETY_LOG } from './safety/log.ts'
import { type Checkpoint, readCheckpoint, spaceFolder } from './search/checkpoint.ts'
import { openIndexFor } from './search/open-index.ts'
import { openPictureTable } from './search/picture-table.ts'
import { loadNeutralBank } from './search/relevance.ts'

/**
 * Answers a search from the checkpoint, or returns null where none stands (the database is on a
 * server, something was written since, another index is asked for) or where it cannot tell (filters
 * and order by date are the database's): then open Lucida and ask it.
 */
export async function searchCold(
  config: Config,
  terms: readonly SearchTerm[],
  options: SearchOptions,
  withoutQuery: boolean,
): Promise<SearchAnswer | null> {
  if (config.databaseUrl || options.filter || options.cursor) return null
  if (options.orderBy === 'takenAt') return null
  const model = await findModel(config.model, config.modelsDir)
  const checkpoint = await readCheckpoint(config.dataDir, {
    model: model.name,
    recipe: model.recipe,
  })
  if (!checkpoint || !suits(config, checkpoint)) return null
  const folder = spaceFolder(config.dataDir, checkpoint.identity)
  const table = await openPictureTable(join(folder, checkpoint.table.name), checkpoint.table)
  if (!table) return null
  const clip = openClip(model, { threads: config.threads })
  const index = openIndex(checkpoint, folder)
  const bank = () => loadNeutralBank(model, clip.embedTexts, join(config.dataDir, 'cache'))
  const context: AnswerContext = {
    clip,
    index: () => index,
    bank,
    safety: await openSafetyFor(config, { model, embedTexts: clip.embedTexts, bank }),
    locateFilter: async () => ({}),
    drawn: async () => ({ folders: [], contents: new Set(checkpoint.drawn) }),
    pictures: {
      findPictures: (hashes) => table.find(hashes),
      findVectors: async (hashes) => (await index).vectorsOf(hashes),
      findMatching: needsDatabase,
      findMatchingByDate: needsDatabase,
      countMatching: needsDatabase,
      lastSequence: needsDatabase,
      findAddedSince: needsDatabase,
    },
  }
  try {
    return await answerSearch(context, terms, options, withoutQuery)
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
