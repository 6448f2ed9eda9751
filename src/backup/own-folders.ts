// Lucida's own folders: those in which it keeps drawings and uploads, wherever LUCIDA_STORAGE puts
// them, and every indexed folder inside its data directory. What lies in them lies nowhere else.
import { relative, resolve, sep } from 'node:path'
import { sql } from 'drizzle-orm'
import { LucidaError } from '../core/errors.ts'
import { folderRange, isWithin } from '../core/folder-range.ts'
import { OWN_FOLDERS, ownFolder, type OwnHomes } from '../core/own-folders.ts'
import { isBucketPath } from '../core/place.ts'
import { realPlace } from '../sources/open-source.ts'
import { type Database, rows } from '../store/database.ts'
import type { Root } from '../store/roots.ts'
import type { FileBlock, Manifest } from './blocks.ts'

export type OwnFolder = Manifest['own'][number]

/** What the program keeps in its data directory for itself; not every file system tells cases apart. */
const PROGRAM = /^(database(\.[^/]*)?|indexes|cache|models)(\/|$)/i

/** Of the folders that `roots` cover, Lucida's own. */
export async function findOwn(roots: readonly string[], homes: OwnHomes): Promise<OwnFolder[]> {
  const kept: OwnFolder[] = []
  for (const name of OWN_FOLDERS) {
    const path = await realPlace(ownFolder(name, homes))
    if (roots.some((root) => isWithin(path, root))) kept.push({ path, name, place: 'storage' })
  }
  const dataDir = await realPlace(homes.dataDir)
  const others = roots
    .filter((root) => isWithin(root, dataDir) && !kept.some(({ path }) => path === root))
    .map((path) => ({ path, name: relative(dataDir, path).split(sep).join('/') }))
    .filter(({ name }) => name !== '' && !PROGRAM.test(name))
  return [...kept, ...others.map((folder) => ({ ...folder, place: 'data' as const }))]
}

/** Roots with what is drawn or uploaded that are not in `own`: the settings do not lead there. */
export async function findElsewhere(
  tx: Database,
  roots: readonly Root[],
  own: readonly OwnFolder[],
): Promise<string[]> {
  const found: string[] = []
  for (const { path, drawn } of roots) {
    if (own.some((folder) => folder.path === path)) continue
    if (drawn || (/[/\\]uploads$/.test(path) && (await holdsUploads(tx, path)))) found.push(path)
  }
  return found
}

/** Uploads are called by the first digits of their hash, as nobody else's pictures are. */
async function holdsUploads(tx: Database, folder: string): Promise<boolean> {
  const { after, before } = folderRange(folder)
  const one = sql`starts_with(path, ${after} || left(encode(content, 'hex'), 16) || '.')`
  const some = await rows(
    tx,
    sql`select 1 from paths
    where path > ${after} and path < ${before} and ${one} limit 1`,
  )
  return some.length > 0
}

/** An own folder of a backup, and where it lies here. */
export interface PlacedFolder extends OwnFolder {
  readonly to: string
}

/**
 * Where own folders of a backup lie here. Throws `bad_input` for one that leads elsewhere, and where
 * two would become one.
 */
export async function placeOwn(
  own: readonly OwnFolder[],
  homes: OwnHomes,
): Promise<PlacedFolder[]> {
  const placed: PlacedFolder[] = []
  for (const folder of own) {
    const to = await targetOf(folder, homes)
    const other = placed.find((one) => one.to === to)
    if (other) {
      const message = `${other.path} and ${folder.path} would both come to lie in ${to}; restore with a LUCIDA_STORAGE outside of the data directory`
      throw new LucidaError('bad_input', message)
    }
    placed.push({ ...folder, to })
  }
  return placed
}

async function targetOf({ name, place }: OwnFolder, homes: OwnHomes): Promise<string> {
  const known = OWN_FOLDERS.find((one) => one === name)
  if (place === 'storage' && known) return realPlace(ownFolder(known, homes))
  const dataDir = await realPlace(homes.dataDir)
  const to = resolve(dataDir, name)
  if (place === 'data' && isPlain(name) && isWithin(to, dataDir) && !PROGRAM.test(name)) return to
  throw new LucidaError(
    'bad_input',
    `The backup has a folder ${name}, which is none of Lucida's own; use another copy of the backup`,
  )
}

/** The place of a file. Throws `bad_input` for a name that leads out of its folder. */
export function pathOf(
  { file, place }: Pick<FileBlock, 'file' | 'place'>,
  folders: readonly PlacedFolder[],
): string {
  const folder = folders.find((one) => one.place === place && file.startsWith(`${one.name}/`))
  const rest = folder && file.slice(folder.name.length + 1)
  if (rest !== undefined && isPlain(rest)) {
    const path = isBucketPath(folder!.to) ? `${folder!.to}/${rest}` : resolve(folder!.to, rest)
    if (isWithin(path, folder!.to)) return path
  }
  const message = `The backup has a file ${file}, which lies in no folder of its own`
  throw new LucidaError('bad_input', message)
}

/** Whether a name leads below where it starts, on every system. */
export function isPlain(name: string): boolean {
  return name.split('/').every((part) => !['', '.', '..'].includes(part))
}
