// Files beside the database: caches and the snapshot are whole, what is noted for a repair is true,
// and nothing unfinished lies about.
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Config } from '../config.ts'
import { readCheckedBytes, readCheckedJson } from '../core/checked-file.ts'
import { isDraft } from '../core/durable-file.ts'
import { isSystemError } from '../core/errors.ts'
import { isWithin } from '../core/folder-range.ts'
import { OWN_FOLDERS, ownFolder } from '../core/own-folders.ts'
import { isBucketPath } from '../core/place.ts'
import { TUNING_FILE } from '../models/tuning.ts'
import { describeIndexFile } from '../search/index-file.ts'
import type { OpenDatabase } from '../store/database.ts'
import { verifySnapshot } from '../store/snapshot.ts'
import { ABANDONED_AFTER_MS, deletingRule, findsOf, type Rule } from './rule.ts'

/** Where Lucida writes; drawings and uploads lie in the data directory until there is a storage. */
function ownFolders(config: Pick<Config, 'dataDir' | 'storage'>): Set<string> {
  const { dataDir } = config
  const kept = OWN_FOLDERS.flatMap((name) => [
    ownFolder(name, { dataDir }),
    ownFolder(name, config),
  ])
  return new Set([join(dataDir, 'cache'), join(dataDir, 'indexes'), ...kept])
}

export function fileRules(
  database: OpenDatabase,
  config: Pick<Config, 'dataDir' | 'modelsDir' | 'storage'>,
): Rule[] {
  const { dataDir, modelsDir } = config
  const isShared = database.engine === 'postgres'
  const snapshot = join(dataDir, 'database.snapshot')
  return [
    deletingRule('cache_damaged', 'cached files are spoilt', async () => {
      const wrong: string[] = []
      for (const path of await filesBelow(join(dataDir, 'cache'))) {
        if (!isDraft(path) && !(await isWhole(path))) wrong.push(path)
      }
      return wrong
    }),
    deletingRule(
      'snapshot_damaged',
      'the snapshot that a repair would need is spoilt',
      async () => {
        const found = await stat(snapshot).catch(() => null)
        if (!found || isShared) return []
        return verifySnapshot(snapshot).then(
          () => [],
          // What cannot be read for now may be whole.
          (error: unknown) => (isSystemError(error) ? [] : [snapshot]),
        )
      },
    ),
    deletingRule('leftover', 'files were never finished', async () => {
      const drafts: string[] = []
      for (const folder of ownFolders(config)) {
        const all = isBucketPath(folder) ? [] : await filesBelow(folder)
        drafts.push(...all.filter((path) => isDraft(path)), ...(await unnamedOf(all)))
      }
      for (const name of await readdir(modelsDir).catch(() => [])) {
        if (/^\.import-[0-9a-f]+$/.test(name)) drafts.push(join(modelsDir, name))
      }
      const old = await Promise.all(
        drafts.map(async (path) => {
          // Models and a storage may be shared by data directories, and others may be at work there.
          const mayBeAtWork = isShared || isWithin(path, modelsDir) || !isWithin(path, dataDir)
          const age = Date.now() - ((await stat(path).catch(() => null))?.mtimeMs ?? 0)
          return !mayBeAtWork || age > ABANDONED_AFTER_MS
        }),
      )
      return drafts.filter((_, i) => old[i])
    }),
    {
      code: 'note_differs',
      what: 'what is noted beside the database for a repair is not what it holds',
      find: async () =>
        findsOf((await database.notesDiffer()) ? [join(dataDir, 'database.roots.json')] : []),
      mend: () => database.noteChoices(),
    },
  ]
}

/** Files of saved indexes that no header names. */
async function unnamedOf(all: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const path of all) {
    if (!/^(vectors|labels)-.+\.bin$/.test(basename(path))) continue
    const described = await describeIndexFile(join(path, '..'))
    if (described && !described.files.includes(basename(path))) found.push(path)
  }
  return found
}

async function isWhole(path: string): Promise<boolean> {
  if (basename(path) === TUNING_FILE) return (await readCheckedJson(path)) !== null
  return (await readCheckedBytes(path).catch(() => null)) !== null
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
