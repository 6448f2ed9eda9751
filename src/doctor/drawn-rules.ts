// The folder of what Lucida has drawn: its files are indexed, and what is indexed there has its file.
import { and, isNull } from 'drizzle-orm'
import type { Config } from '../config.ts'
import { ownFolder } from '../core/own-folders.ts'
import { openSource, realPlace } from '../sources/open-source.ts'
import type { Database } from '../store/database.ts'
import { below, markMissing } from '../store/paths.ts'
import { failures, paths } from '../store/schema.ts'
import { findsOf, type Rule } from './rule.ts'

/** `indexDrawn` indexes the folder when all rules have been applied. */
export async function drawnRules(
  db: Database,
  config: Pick<Config, 'dataDir' | 'storage'>,
  indexDrawn: (folder: string) => void,
): Promise<Rule[]> {
  const folder = await realPlace(ownFolder('drawn', config))
  const source = openSource(folder)
  const isThere = () => source.exists(folder).catch(() => false)
  /** A file that cannot be asked for is not gone. */
  const isGone = (path: string) =>
    source.stat(path).then(
      (found) => found === undefined,
      () => false,
    )
  const known = async () => {
    const found = await db
      .select({ path: paths.path })
      .from(paths)
      .where(and(below(paths.path, folder), isNull(paths.missingSince)))
    return found.map(({ path }) => path)
  }
  /** More than half of them, and a drive is not mounted, as in an indexing run. */
  const gone = async () => {
    const all = await known()
    const lost: string[] = []
    if (!(await isThere())) lost.push(...all)
    else for (const path of all) if (await isGone(path)) lost.push(path)
    return { lost, isUnmounted: lost.length > all.length / 2 }
  }
  const lostWhere = async (unmounted: boolean) => {
    const { lost, isUnmounted } = await gone()
    return isUnmounted === unmounted ? lost : []
  }
  return [
    {
      code: 'drawn_unmounted',
      what: 'most drawn pictures that are indexed have no file, as if their drive were not there',
      remedy: `mount what ${folder} lies on, or see that its bucket can be reached; if they were deleted, run lucida index --prune ${folder}`,
      find: async () => findsOf(await lostWhere(true)),
      mend: async () => {},
    },
    {
      code: 'drawn_gone',
      what: 'drawn pictures are indexed whose files are gone',
      find: async () => findsOf(await lostWhere(false)),
      mend: async () => markMissing(db, await lostWhere(false), true),
    },
    {
      code: 'drawn_not_indexed',
      what: 'drawn pictures lie in their folder but are not indexed',
      async find() {
        if (!(await isThere())) return findsOf([])
        const failed = await db.select().from(failures).where(below(failures.path, folder))
        const noted = new Set([...(await known()), ...failed.map(({ path }) => path)])
        const files: string[] = []
        for await (const { path } of source.scan(folder, { exclude: [] })) {
          if (path.endsWith('.png') && !noted.has(path)) files.push(path)
        }
        return findsOf(files)
      },
      mend: async () => indexDrawn(folder),
    },
  ]
}
