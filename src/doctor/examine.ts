// Looks for all that does not fit together in the database and beside it, and mends it if asked to.
// Each rule is mended by itself: a repair that is killed is done again from where it was.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { openResolved, type Repair } from '../lucida.ts'
import { findModelFor, withShrinkOnLoad } from '../models/every-pixel.ts'
import { DEFAULT_MODEL, listModels } from '../models/registry.ts'
import { removeCheckpoints } from '../search/checkpoint.ts'
import { type OpenDatabase, openDatabase } from '../store/database.ts'
import { claimDrawnFolder } from '../store/drawn.ts'
import { drawnRules } from './drawn-rules.ts'
import { feedRules, sequenceRule } from './feed-rules.ts'
import { fileRules } from './file-rules.ts'
import { indexRules } from './index-rules.ts'
import { modelRules, type ModelsAtHand } from './model-rules.ts'
import { pathRules } from './path-rules.ts'
import type { Inconsistency, Rule } from './rule.ts'
import { vectorRules } from './vector-rules.ts'
import { vectorTableRules } from './vector-table-rules.ts'

/** What was found, and what became of it. */
export interface Examination {
  readonly found: readonly (Inconsistency & { readonly mended: boolean })[]
  /** How opening the database has repaired it. */
  readonly repaired: Repair | null
}

/** Throws `database_busy` while another process has the embedded database open. */
export async function examine(config: Config, mend: boolean): Promise<Examination> {
  const models = await modelsAtHand(config)
  let drawnFolder: string | undefined
  let database = await open(config)
  try {
    let damage = await database.findDamage()
    if (damage !== null && mend) {
      // Closed without a seal: opening it again restores it from its snapshot.
      await database.close()
      database = await open(config)
      damage = null
    }
    const { repaired } = database
    const found =
      damage === null
        ? await examineOpen(database, {
            ...config,
            spaces: models,
            mend,
            indexDrawn: (folder) => (drawnFolder = folder),
          })
        : [damaged(damage)]
    if (drawnFolder !== undefined) await claimDrawnFolder(database.db, drawnFolder)
    return { found, repaired }
  } finally {
    await database.close()
    if (drawnFolder !== undefined) await indexFolder(config, drawnFolder)
  }
}

/** What an open database is examined with. */
export interface ExaminationOptions extends Pick<Config, 'dataDir' | 'modelsDir' | 'storage'> {
  readonly spaces: ModelsAtHand['spaces']
  readonly mend: boolean
  /** Is told of the folder of what was drawn when that must be indexed afterwards. */
  readonly indexDrawn: (folder: string) => void
}

/** Applies all rules to a database that is sound as such. */
export async function examineOpen(
  database: OpenDatabase,
  options: ExaminationOptions,
): Promise<Examination['found']> {
  const found: Examination['found'][number][] = []
  for (const rule of await rulesFor(database, options)) {
    const finding = await applyRule(rule, options.mend, async () => {
      // No cold search may answer from what is about to change.
      if (database.engine === 'pglite') await removeCheckpoints(options.dataDir)
      const areNoted = !(await database.notesDiffer())
      await rule.mend()
      if (areNoted) await database.noteChoices()
    })
    if (finding) found.push(finding)
  }
  return found
}

/** In this order: what is mended first may break a later rule, never an earlier one. */
async function rulesFor(
  database: OpenDatabase,
  { spaces, indexDrawn, ...folders }: ExaminationOptions,
): Promise<Rule[]> {
  const { db, engine } = database
  const dimensionOf = (model: string, recipe: string) =>
    spaces.find((space) => space.model === model && space.recipe === recipe)?.dimension
  return [
    sequenceRule(db),
    ...pathRules(db),
    ...modelRules(db, { spaces, isShared: engine === 'postgres' }),
    ...vectorRules(db, dimensionOf),
    ...(await drawnRules(db, folders.dataDir, indexDrawn)),
    ...feedRules(db),
    ...(await vectorTableRules(db)),
    ...indexRules(database, folders.dataDir),
    ...fileRules(database, folders),
  ]
}

async function applyRule(
  rule: Rule,
  mend: boolean,
  mendSafely: () => Promise<void>,
): Promise<(Inconsistency & { mended: boolean }) | null> {
  const { count, examples } = await rule.find()
  if (count === 0) return null
  const { code, what, remedy = null } = rule
  const isMendable = mend && remedy === null
  if (isMendable) await mendSafely()
  return { code, what, count, examples, remedy, mended: isMendable }
}

function damaged(reason: string): Inconsistency & { mended: boolean } {
  const what = 'the database is damaged'
  return {
    code: 'database_damaged',
    what,
    count: 1,
    examples: [reason],
    remedy: null,
    mended: false,
  }
}

function open({ databaseUrl, dataDir }: Config): Promise<OpenDatabase> {
  return openDatabase(databaseUrl ? { url: databaseUrl } : { directory: dataDir })
}

/** With the setting that decides the recipe, and the built-in one first. */
async function modelsAtHand(config: Config): Promise<ModelsAtHand['spaces']> {
  const models = await listModels(config.modelsDir)
  const first = await findModelFor(config, DEFAULT_MODEL)
  const all = [first, ...models.map((model) => withShrinkOnLoad(model, config.shrinkOnLoad))]
  return all.map(({ name, recipe, dimension }) => ({ model: name, recipe, dimension }))
}

async function indexFolder(config: Config, folder: string): Promise<void> {
  const lucida = await openResolved(config)
  try {
    for await (const _ of lucida.index([folder])) continue
  } finally {
    await lucida.close()
  }
}

/** Whether there is a collection to be examined. */
export function hasCollection({ databaseUrl, dataDir }: Config): boolean {
  return databaseUrl !== undefined || existsSync(join(dataDir, 'database'))
}
