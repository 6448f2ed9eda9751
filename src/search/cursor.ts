// Cursors: where a page of results ended, as a text that callers pass back without looking inside.
import { z } from 'zod'
import { invalidInput } from '../core/errors.ts'
import { type ContentHash, sha256 } from '../core/hash.ts'
import type { DatePosition } from '../store/filters.ts'
import type { ScorePosition } from './rank.ts'

/** The last result of a page, in the order of its search. */
export type Position = ScorePosition | DatePosition

const hash = z.string().regex(/^[0-9a-f]{64}$/)
const schema = z.object({
  of: z.string(),
  asOf: z.int().min(0),
  at: z.union([
    z.object({ content: hash, score: z.number(), seen: z.int().min(0) }),
    z.object({
      hash,
      takenAt: z
        .string()
        .regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
        .nullable(),
    }),
  ]),
})

/** What a cursor belongs to: it is refused by another search. */
export function fingerprint(search: unknown): ContentHash {
  return sha256(JSON.stringify(search)).slice(0, 16)
}

/** Where a page ended, and what the first page of its search knew. */
export interface PageEnd {
  readonly at: Position
  /** Sequence number of the change feed; what came later is for a new search. */
  readonly asOf: number
}

/** The end of a page as text. */
export function writeCursor(of: string, { at, asOf }: PageEnd): string {
  return Buffer.from(JSON.stringify({ of, asOf, at })).toString('base64url')
}

/** What a cursor says. Throws `bad_input` for one of another search, or for no cursor. */
export function readCursor(of: string, cursor: string): PageEnd {
  const parsed = schema.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString()))
  if (parsed.success && parsed.data.of === of) {
    const { at, asOf } = parsed.data
    return { at, asOf }
  }
  throw invalidInput('cursor', 'the nextCursor of the same search', cursor)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
