// A change of model: another one is given vectors of all pictures while the first keeps answering,
// then one transaction makes it the one that answers. What is left to do is read from the database
// each time, so a process that is killed leaves nothing to repair.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from './config.ts'
import { LucidaError, messageOf } from './core/errors.ts'
import { type FillOrder, type FillTogether, NOTHING_FILLED, openFilling } from './filling.ts'
import type { FillPass } from './indexer/fill.ts'
import type { ModelSpec } from './models/manifest.ts'
import { knownModel } from './models/names.ts'
import { findModelFor } from './models/every-pixel.ts'
import { indexesFolder, removeCheckpoint } from './search/checkpoint.ts'
import type { ServingSpace } from './serving-space.ts'
import type { Space } from './space.ts'
import { lastSequenceOf, type VectorSpace } from './store/changes.ts'
import type { OpenDatabase } from './store/database.ts'
import { abandonChange, beginChange, noteServing, readServing, setPaused } from './store/serving.ts'
import { switchServing } from './store/switch-serving.ts'
import {
  countFilled,
  countVectors,
  dropVectors,
  type Filled,
  type FillFailure,
  isAnyMissing,
  listFillFailures,
} from './store/vectors.ts'
import type { Writing } from './writing.ts'

/** Which models a collection has, and how a change of them goes. */
export interface ModelStatus {
  /** A setting has chosen the model of this process, which follows no change. */
  readonly pinned: boolean
  /** The model that answers. */
  readonly serving: ModelProgress
  /** The one that a rollback brings back. */
  readonly previous: string | null
  readonly change: (ModelProgress & { readonly state: ChangeState; readonly since: Date }) | null
  /** Why filling does not go on here; `null` when all is well. */
  readonly trouble: string | null
  /** All models that have vectors here, the serving one included. */
  readonly stored: readonly StoredVectors[]
}

/** `waiting`: what is missing lies in folders that are away. */
export type ChangeState = 'filling' | 'paused' | 'waiting'

/** How many of the pictures have a vector of a model. */
export interface ModelProgress extends Filled {
  readonly model: string
}

/** Vectors of one model and recipe. */
export interface StoredVectors {
  readonly model: string
  readonly recipe: string
  readonly vectors: number
}

/** What filling tells. */
export type FillEvent =
  | (ModelProgress & { readonly type: 'filling' })
  /** All that is left lies in folders that are away. */
  | { readonly type: 'waiting'; readonly model: string; readonly away: number }
  | { readonly type: 'switched'; readonly model: string; readonly previous: string }

/** How filling is followed and ended. */
export interface FillOptions {
  readonly signal?: AbortSignal | undefined
  readonly onEvent?: (event: FillEvent) => void
}

/** Models of a collection, and the change from one to another. */
export interface Models {
  status(): Promise<ModelStatus>
  /**
   * Begins a change to a model at hand; `carryOut` does the work. With `now` it answers at once, with
   * the pictures that it has so far. The model that answers ends a change under way. Throws
   * `model_missing`, and `bad_input` where a setting has chosen the model of this process.
   */
  use(name: string, options?: { readonly now?: boolean }): Promise<ModelStatus>
  /** Throws `bad_input` where no change is under way. */
  pause(): Promise<ModelStatus>
  resume(): Promise<ModelStatus>
  /** Back to the model before, at once; pictures that came since are filled in afterwards. */
  rollback(): Promise<ModelStatus>
  /** Deletes a model's vectors and index files. Throws `bad_input` for one in use, `not_found`. */
  drop(name: string): Promise<number>
  /** Pictures that the model of the change cannot be given, at most `limit`, by path. */
  failures(limit: number): Promise<FillFailure[]>
  /** Does what there is to do until nothing is left, or it has to wait. */
  carryOut(options?: FillOptions): Promise<void>
  /** Does it again and again until the signal is aborted. */
  keepFilled(signal: AbortSignal): Promise<void>
}

/** What a change needs of the open Lucida. */
export interface ModelContext {
  readonly config: Config
  readonly database: OpenDatabase
  readonly spaces: ServingSpace
  readonly writing: Writing
  readonly open: (model: ModelSpec) => Promise<Space>
  /** How all workers fill together; nothing where this process does it alone. */
  readonly together: () => FillTogether | undefined
}

/** A model that is to be given vectors, to be the next or to complete the one that answers. */
interface Task extends VectorSpace {
  readonly isNext: boolean
}

/** Others may have begun a change, or a drive may be back. */
const LOOK_AGAIN_MS = 30_000

/** Nothing happens until it is asked for. `nudge` says that there may be something to fill. */
export function openModels(context: ModelContext): Models & {
  readonly nudge: () => void
  /** Fills pictures that another process has found missing. Throws `model_missing`, `model_invalid`. */
  readonly fillSome: (order: FillOrder, signal: AbortSignal) => Promise<FillPass>
  readonly close: () => Promise<void>
} {
  const { config, database, spaces, writing } = context
  const { db } = database
  let trouble: string | null = null
  let isWaiting = false
  /** Up to here the serving model is known to have everything. */
  let complete = ''
  /** How far the walk is that is under way. */
  let walking: (ModelProgress & { readonly stored: readonly StoredVectors[] }) | null = null
  let counted: { readonly at: string; readonly progress: ModelProgress } | undefined
  /** Those who want the next turn while pictures are read. */
  let interruptions = 0
  let turn: Promise<void> = Promise.resolve()
  let nudged = false
  let ring = () => {}
  const nudge = () => {
    nudged = true
    ring()
  }

  /** One fill or switch at a time. */
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    interruptions++
    const result = turn.then(() => {
      interruptions--
      return work()
    })
    turn = result.then(
      () => {},
      () => {},
    )
    return result
  }

  const refusePinned = () => {
    if (config.model === undefined) return
    throw new LucidaError(
      'bad_input',
      `The model ${config.model} was set for this process (--model, LUCIDA_MODEL or lucida.config.json), so it cannot change; take that away first`,
    )
  }

  /** The model here, if it is the one that is meant. */
  const modelOf = async ({ model, recipe }: VectorSpace): Promise<ModelSpec> => {
    const found = await findModelFor(config, model)
    if (found.recipe === recipe) return found
    throw new LucidaError(
      'model_invalid',
      `${model} is not the same here as where it was chosen (its files differ); pull it again, or begin anew: lucida models use ${model}`,
    )
  }

  const filling = openFilling(config, db)
  const fillSome = async (order: FillOrder, signal: AbortSignal) =>
    filling.some(await modelOf(order.space), order, signal)

  /** Changes with everything that the serving model could lack. */
  const feedOf = async (space: VectorSpace) => `${space.recipe} ${await lastSequenceOf(db, space)}`

  const nextTask = async (): Promise<Task | null> => {
    const state = await readServing(db)
    if (!state) return null
    if (state.next && !state.next.paused) {
      return { model: state.next.model, recipe: state.next.recipe, isNext: true }
    }
    const { name, recipe } = spaces.now.model
    if (name !== state.model || recipe !== state.recipe) return null
    const at = await feedOf(state)
    if (at === complete) return null
    if (await isAnyMissing(db, state)) return { model: name, recipe, isNext: false }
    complete = at
    return null
  }

  /** Loads the model and its index, then lets it answer. */
  const makeServe = async (model: ModelSpec, despiteMissing: boolean) => {
    const space = await context.open(model)
    let outcome: Awaited<ReturnType<typeof switchServing>> = 'unwanted'
    try {
      await space.warmUp()
      const standing = await writing.begin()
      try {
        outcome = await switchServing(db, space.identity, { despiteMissing })
        if (outcome === 'switched') {
          spaces.replace(space)
          await database.noteChoices()
        }
        const isAsBefore = outcome === 'switched' ? null : standing
        await spaces.with((now) => writing.settle(now, isAsBefore))
      } finally {
        writing.end()
      }
    } finally {
      if (outcome !== 'switched') await space.close()
    }
    return outcome
  }

  /** One walk over what a model lacks; `null` when it did not get to the end of it. */
  const walk = async (
    task: Task,
    model: ModelSpec,
    { signal, tell }: { readonly signal: AbortSignal | undefined; tell: (pass: FillPass) => void },
  ): Promise<FillPass | null | 'elsewhere'> => {
    // Nobody searches the next model yet, except for those who set it themselves.
    if (task.isNext) await removeCheckpoint(config.dataDir, task)
    else await writing.begin()
    const isOver = () => interruptions > 0 || (signal?.aborted ?? false)
    let last: FillPass | 'elsewhere' = NOTHING_FILLED
    try {
      for await (const pass of filling.walk(model, context.together(), isOver)) {
        last = pass
        if (pass !== 'elsewhere') tell(pass)
      }
      if (!task.isNext) await spaces.with((now) => writing.settle(now, null))
    } finally {
      if (!task.isNext) writing.end()
    }
    if (last === 'elsewhere') return last
    return isOver() || last.unwanted ? null : last
  }

  /** One task to its end. `waiting`: what is left cannot be read now. */
  const doTask = async (
    task: Task,
    { signal, onEvent = () => {} }: FillOptions,
  ): Promise<'done' | 'waiting'> => {
    const model = await modelOf(task)
    const before = await countFilled(db, task)
    const stored = await countVectors(db)
    const tell = (pass?: FillPass) => {
      const progress = {
        model: task.model,
        pictures: before.pictures,
        filled: before.filled + (pass?.filled ?? 0),
        failed: before.failed + (pass?.failed ?? 0),
      }
      walking = { ...progress, stored }
      onEvent({ type: 'filling', ...progress })
    }
    tell()
    const pass = await walk(task, model, { signal, tell }).finally(() => (walking = null))
    if (pass === 'elsewhere') return 'waiting'
    if (!pass) return 'done'
    const previous = spaces.now.model.name
    isWaiting = task.isNext && pass.away > 0
    const outcome = task.isNext && !isWaiting ? await makeServe(model, false) : null
    if (outcome === 'switched') onEvent({ type: 'switched', model: task.model, previous })
    if (!task.isNext && pass.away > 0) complete = await feedOf(task)
    if (isWaiting) onEvent({ type: 'waiting', model: task.model, away: pass.away })
    return isWaiting ? 'waiting' : 'done'
  }

  const carryOut = async (options: FillOptions = {}): Promise<void> => {
    refusePinned()
    while (!options.signal?.aborted) {
      const task = await nextTask()
      if (!task || (await inTurn(() => doTask(task, options))) === 'waiting') return
    }
  }

  /** Counting takes the embedded database a while, and everybody with it: not again while filling. */
  const progressOf = async (space: VectorSpace): Promise<ModelProgress> => {
    const { model } = space
    if (walking?.model === model) {
      const { pictures, filled, failed } = walking
      return { model, pictures, filled, failed }
    }
    const at = `${model} ${await feedOf(space)}`
    if (!walking || counted?.at !== at) {
      counted = { at, progress: { model, ...(await countFilled(db, space)) } }
    }
    return counted.progress
  }
  const storedVectors = async (): Promise<readonly StoredVectors[]> => {
    if (!walking) return countVectors(db)
    const { model, filled, stored } = walking
    return stored.map((one) => (one.model === model ? { ...one, vectors: filled } : one))
  }

  const status = async (): Promise<ModelStatus> => {
    const state = await readServing(db)
    const { name, recipe } = spaces.now.model
    const now = (config.model === undefined && state) || { model: name, recipe }
    const next = state?.next
    return {
      pinned: config.model !== undefined,
      serving: await progressOf(now),
      previous: state?.previousModel ?? null,
      change: next
        ? {
            ...(await progressOf(next)),
            state: next.paused ? 'paused' : isWaiting ? 'waiting' : 'filling',
            since: next.since,
          }
        : null,
      trouble: trouble ?? spaces.trouble,
      stored: await storedVectors(),
    }
  }

  const begin = (model: ModelSpec, despiteMissing: boolean): Promise<ModelStatus> =>
    inTurn(async () => {
      isWaiting = false
      trouble = null
      await beginChange(db, { model: model.name, recipe: model.recipe })
      if (despiteMissing) await makeServe(model, true)
      nudge()
      return status()
    })

  return {
    status,
    carryOut,
    nudge,
    fillSome,
    close: filling.close,
    async use(name, { now = false } = {}) {
      refusePinned()
      const model = await findByName(config, name)
      await noteServing(db, spaces.now.identity)
      await database.noteChoices()
      const state = (await readServing(db))!
      if (state.model !== model.name) return begin(model, now)
      if (state.recipe !== model.recipe) {
        throw new LucidaError(
          'bad_input',
          `The files of ${model.name} have changed since this process began; end it, then run lucida index`,
        )
      }
      await abandonChange(db)
      return status()
    },
    async pause() {
      refusePinned()
      await setPaused(db, true)
      return status()
    },
    async resume() {
      refusePinned()
      await setPaused(db, false)
      trouble = null
      nudge()
      return status()
    },
    async rollback() {
      refusePinned()
      const previous = (await readServing(db))?.previousModel
      if (!previous) throw new LucidaError('bad_input', 'No other model has answered here before')
      const model = await findByName(config, previous)
      const { filled } = await countFilled(db, { model: model.name, recipe: model.recipe })
      // Without any vectors it would find nothing: then it is filled first, like any other.
      return begin(model, filled > 0)
    },
    async drop(name) {
      const model = knownModel(name)?.name ?? name.trim()
      if (model === spaces.now.model.name) {
        throw new LucidaError('bad_input', `${model} answers searches here; its vectors stay`)
      }
      const dropped = await dropVectors(db, model)
      await database.noteChoices()
      await removeIndexFiles(config.dataDir, database.storeId, model)
      if (dropped > 0) return dropped
      throw new LucidaError('not_found', `There are no vectors of ${name}`)
    },
    async failures(limit) {
      const state = await readServing(db)
      return state ? listFillFailures(db, state.next?.model ?? state.model, limit) : []
    },
    async keepFilled(signal) {
      if (config.model !== undefined) return
      while (!signal.aborted) {
        nudged = false
        await carryOut({ signal }).then(
          () => (trouble = null),
          (error: unknown) => (trouble = messageOf(error)),
        )
        if (!nudged && !signal.aborted) {
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, LOOK_AGAIN_MS)
            ring = () => {
              clearTimeout(timer)
              resolve()
            }
            signal.addEventListener('abort', ring, { once: true })
          })
          signal.removeEventListener('abort', ring)
        }
      }
    },
  }
}

/** A model that every process finds by its name. Throws `model_missing`, `bad_input`. */
async function findByName(config: Config, nameOrFolder: string): Promise<ModelSpec> {
  const model = await findModelFor(config, nameOrFolder)
  const named = await findModelFor(config, model.name).catch(() => undefined)
  if (named?.recipe === model.recipe) return named
  throw new LucidaError(
    'bad_input',
    `${model.directory} is not among the models that were pulled or imported; first: lucida models import ${model.directory}`,
  )
}

/** A recipe, behind the name of a model. */
const RECIPE = /^-[0-9a-f]{16}$/

async function removeIndexFiles(dataDir: string, storeId: string, model: string): Promise<void> {
  const folder = join(indexesFolder(dataDir), storeId)
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(model) || !RECIPE.test(name.slice(model.length))) continue
    await removeCheckpoint(dataDir, { model, recipe: name.slice(model.length + 1) })
    await rm(join(folder, name), { recursive: true, force: true })
  }
}
