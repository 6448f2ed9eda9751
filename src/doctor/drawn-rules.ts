// The folder of what Lucida has drawn: its files are indexed, and what is indexed there has its file.
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { and, inArray, isNull } from 'drizzle-orm'
import { recordChanges, withWriterLock } from '../store/changes.ts'
import type { Database } from '../store/database.ts'
import { below } from '../store/paths.ts'
import { failures, paths } from '../store/schema.ts'
import { findsOf, type Rule } from './rule.ts'

/** `indexDrawn` indexes the folder when all rules have been applied. */
export async function drawnRules(
  db: Database,
  dataDir: string,
  indexDrawn: (folder: string) => void,
): Promise<Rule[]> {
  const folder = await realpath(join(dataDir, 'drawn')).catch(() => null)
  if (folder === null) return []
  const known = async () => {
    const found = await db
      .select({ path: paths.path, content: paths.content })
      .from(paths)
      .where(and(below(paths.path, folder), isNull(paths.missingSince)))
    return new Map(found.map(({ path, content }) => [path, content]))
  }
  const gone = async () => {
    const lost: string[] = []
    for (const path of (await known()).keys()) {
      if (!(await stat(path).catch(() => null))) lost.push(path)
    }
    return lost
  }
  return [
    {
      code: 'drawn_gone',
      what: 'drawn pictures are indexed whose files are gone',
      find: async () => findsOf(await gone()),
      async mend() {
        const lost = await gone()
        await withWriterLock(db, async (tx) => {
          const touched = await tx
            .update(paths)
            .set({ missingSince: new Date() })
            .where(and(inArray(paths.path, lost), isNull(paths.missingSince)))
            .returning({ content: paths.content })
          await recordChanges(
            tx,
            touched.map(({ content }) => content),
          )
        })
      },
    },
    {
      code: 'drawn_not_indexed',
      what: 'drawn pictures lie in their folder but are not indexed',
      async find() {
        const indexed = await known()
        const failed = await db.select().from(failures).where(below(failures.path, folder))
        const noted = new Set([...indexed.keys(), ...failed.map(({ path }) => path)])
        const files = (await readdir(folder)).filter((name) => name.endsWith('.png'))
        return findsOf(files.map((name) => join(folder, name)).filter((path) => !noted.has(path)))
      },
      mend: async () => indexDrawn(folder),
    },
  ]
}
