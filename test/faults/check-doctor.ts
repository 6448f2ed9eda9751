// What `lucida doctor` says, and what dead processes have left beside the database.
import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { resolveConfig } from '../../src/config.ts'
import { isDraft } from '../../src/core/durable-file.ts'
import { examine } from '../../src/doctor/examine.ts'
import { filesBelow, type Found, type Place } from './look.ts'

/** What is given back when its time has come; doctor says so, and nothing is wrong. */
const HARMLESS = new Set(['leftover', 'claim_expired'])
/** Older than what anybody may still be writing. */
const LONG_AGO_SECONDS = 2 * 60 * 60

/** Doctor finds nothing but what dead processes left; once that is old, it mends it, and all is well. */
export async function checkDoctor(place: Place): Promise<Found> {
  const counts: Record<string, number> = {}
  const violations: string[] = []
  const consult = async (mend: boolean, allowed: ReadonlySet<string>) => {
    for (const { name, dataDir } of place.members) {
      const { databaseUrl, storage } = place
      const flags = { dataDir, databaseUrl, storage, modelsDir: join(dataDir, 'models') }
      const { found } = await examine(resolveConfig({ flags, env: {} }), mend)
      for (const { code, what, count, examples } of found) {
        const text = `${code}: ${what} (${count}: ${examples.join(', ')})`
        if (!allowed.has(code)) violations.push(`doctor about ${name}: ${text}`)
        if (mend) counts[`mended by doctor: ${code}`] = (counts[code] ?? 0) + count
      }
    }
  }
  const drafts = async () => (await filesBelow(place.disk.path)).filter(isDraft)
  counts['unfinished files of dead processes'] = (await drafts()).length
  await consult(false, HARMLESS)
  const longAgo = Date.now() / 1000 - LONG_AGO_SECONDS
  for (const path of await filesBelow(place.disk.path)) {
    const isOfIndex = /(vectors|labels)-[^/]+\.bin$/.test(path)
    if (isDraft(path) || isOfIndex) await utimes(path, longAgo, longAgo)
  }
  await consult(true, HARMLESS)
  await consult(false, new Set())
  violations.push(...(await drafts()).map((path) => `left behind: ${path}`))
  return { counts, violations }
}
