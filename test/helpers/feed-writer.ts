// One of many who write to a store at once: a schedule drawn from a seed, of everything that puts
// contents into the change feed or takes them out of it, on few pictures and few paths.
import { LucidaError } from '../../src/core/errors.ts'
import type { Database } from '../../src/store/database.ts'
import { deletePaths, forgetContent, markMissing } from '../../src/store/paths.ts'
import { findContent, type IndexedFile, writeBatch } from '../../src/store/pictures.ts'
import { claimRoot, removeRoot } from '../../src/store/roots.ts'
import { writeFilled } from '../../src/store/vectors.ts'
import { noise } from './noise-pictures.ts'
import { hashOf, storedFile, vectorOf } from './shared-store.ts'

/** The model that answers, as its pictures are embedded now and as they once were. */
export const SERVING = { model: 'clip', recipe: 'first' }
const OUTDATED = { model: 'clip', recipe: 'outdated' }
/** The one that is being filled. */
export const NEXT = { model: 'other', recipe: 'first' }

export const FOLDERS = ['/a', '/b', '/c'] as const
export const PICTURES = Array.from({ length: 9 }, (_, i) => `picture ${i}`)
const PATHS_PER_FOLDER = 5

/** A number from 0 to `n` - 1. */
type Dice = (n: number) => number

interface Turn {
  readonly db: Database
  readonly dice: Dice
  /** Names this turn of this writer, for vectors that nobody else writes. */
  readonly name: string
}

/** How often each comes, of 16. */
const SCHEDULE: readonly (readonly [times: number, act: (turn: Turn) => Promise<unknown>])[] = [
  [6, writeFiles],
  [2, ({ db, dice }) => markMissing(db, somePaths(dice), true)],
  [2, ({ db, dice }) => markMissing(db, somePaths(dice), false)],
  [1, ({ db, dice }) => deletePaths(db, one(FOLDERS, dice), 'missing')],
  [1, ({ db, dice }) => forgetContent(db, hashOf(one(PICTURES, dice)))],
  [1, writeFailure],
  [2, fillNext],
  [1, removeFolder],
]
const ACTS = SCHEDULE.flatMap(([times, act]) => Array.from({ length: times }, () => act))

/** Takes so many turns, one after another. */
export async function takeTurns(
  db: Database,
  { seed, writer, turns }: { seed: number; writer: number; turns: number },
): Promise<void> {
  const dice = newDice(`${seed}/${writer}`, turns * 20)
  for (let turn = 0; turn < turns; turn++) {
    await one(ACTS, dice)({ db, dice, name: `${seed}/${writer}/${turn}` })
  }
}

/** As the indexer would: what the store had of a content when it looked is not written again. */
async function writeFiles({ db, dice, name }: Turn): Promise<void> {
  const space = dice(6) === 0 ? OUTDATED : SERVING
  const folder = one(FOLDERS, dice)
  const files: IndexedFile[] = []
  for (const path of somePaths(dice, folder)) {
    const picture = one(PICTURES, dice)
    const { content, vector, ...file } = storedFile(picture, path, vectorOf(`${picture} ${name}`))
    const { known, embedded } = await findContent(db, space, file.hash)
    const isAnew = dice(3) === 0
    files.push({
      ...file,
      ...(!known && { content }),
      ...((!embedded || isAnew) && vector && { vector }),
    })
  }
  await writeBatch(db, space, { files, failures: [], folder }).catch(unless('cancelled'))
}

async function writeFailure({ db, dice }: Turn): Promise<void> {
  const [path] = somePaths(dice)
  const failure = { path: path!, sizeBytes: 1, mtimeMs: 1, code: 'corrupt_image', reason: 'no end' }
  await writeBatch(db, SERVING, { files: [], failures: [{ ...failure, triedBy: '1' }] })
}

async function fillNext({ db, dice, name }: Turn): Promise<void> {
  const pictures = [one(PICTURES, dice), one(PICTURES, dice)]
  const vectors = pictures.map((picture) => {
    return { content: hashOf(picture), vector: vectorOf(`${picture} ${name}, seen by another`) }
  })
  await writeFilled(
    db,
    { ...NEXT, dimension: vectors[0]!.vector.length },
    { vectors, failures: [] },
  )
}

async function removeFolder({ db, dice }: Turn): Promise<void> {
  const folder = one(FOLDERS, dice)
  await removeRoot(db, folder).catch(unless('not_found'))
  await claimRoot(db, folder, undefined)
}

function somePaths(dice: Dice, folder?: string): string[] {
  const paths = Array.from({ length: 1 + dice(3) }, () => {
    return `${folder ?? one(FOLDERS, dice)}/${dice(PATHS_PER_FOLDER)}.png`
  })
  return [...new Set(paths)]
}

/** Lets an error pass that another writer may cause. */
function unless(code: LucidaError['code']) {
  return (error: unknown) => {
    if (!(error instanceof LucidaError && error.code === code)) throw error
  }
}

function one<T>(of: readonly T[], dice: Dice): T {
  return of[dice(of.length)]!
}

function newDice(seed: string, throws: number): Dice {
  const bytes = noise(seed, 2 * throws)
  let at = 0
  return (n) => {
    at += 2
    return bytes.readUInt16LE(at - 2) % n
  }
}
