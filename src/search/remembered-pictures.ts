// Rows of pictures that come up again and again, kept for as long as nothing is written. For a
// database that only this process writes to.
import type { ContentHash } from '../core/hash.ts'
import type { PictureRow } from './picture-table.ts'
import type { PictureSource } from './rank.ts'

/** About 20 MB. */
const REMEMBERED = 20_000

/** `quietSince` names the time since the last write; `null` while something is being written. */
export function rememberPictures(
  source: PictureSource,
  quietSince: () => number | null,
): PictureSource {
  let since: number | null = null
  const rows = new Map<ContentHash, PictureRow>()
  return {
    ...source,
    async findPictures(hashes) {
      const now = quietSince()
      if (now === null) return source.findPictures(hashes)
      if (now !== since) rows.clear()
      since = now
      // Taken out first: all are forgotten when they become too many.
      const known = new Map<ContentHash, PictureRow>()
      const unknown: ContentHash[] = []
      for (const hash of hashes) {
        const row = rows.get(hash)
        if (row) known.set(hash, row)
        else unknown.push(hash)
      }
      if (unknown.length === 0) return known
      const found = await source.findPictures(unknown)
      // Something was written while the database was asked.
      if (quietSince() !== now) return source.findPictures(hashes)
      if (rows.size > REMEMBERED) rows.clear()
      for (const [hash, row] of found) rows.set(hash, row)
      return new Map([...known, ...found])
    },
  }
}
