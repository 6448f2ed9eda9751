// What was drawn, so that it can be looked at for a while: in memory, or where every server sees it.
import {
  findCandidate,
  forgetCandidates,
  listCandidateRanks,
  putCandidates,
} from '../store/candidates.ts'
import type { OpenDatabase } from '../store/database.ts'

/** A picture with what is known of it. */
export interface Drawn {
  readonly png: Uint8Array<ArrayBuffer>
}

/** Pictures of orders, best first. */
export interface DrawnPictures<Candidate extends Drawn> {
  put(order: string, drawn: readonly Candidate[]): Promise<void>
  /** The `n`th best of an order, from 0; `undefined` once it is forgotten. */
  find(order: string, n: number): Promise<Candidate | undefined>
  /** Which of an order are there. */
  ranks(order: string): Promise<ReadonlySet<number>>
}

/** Pictures that are kept; whatever is beyond that is forgotten, the oldest orders first. */
const MAX_BYTES = 256e6

/** Those that this process has drawn, or those of all. */
export function openDrawnPictures<Candidate extends Drawn>({
  engine,
  db,
}: OpenDatabase): DrawnPictures<Candidate> {
  if (engine === 'pglite') return drawnInMemory()
  return {
    async put(order, drawn) {
      const rows = drawn.map(({ png, ...facts }, rank) => ({ rank, facts, png }))
      await putCandidates(db, order, rows)
      await forgetCandidates(db, MAX_BYTES)
    },
    async find(order, n) {
      const row = await findCandidate(db, order, n)
      return row && ({ ...(row.facts as object), png: row.png } as unknown as Candidate)
    },
    ranks: async (order) => new Set(await listCandidateRanks(db, order)),
  }
}

function drawnInMemory<Candidate extends Drawn>(): DrawnPictures<Candidate> {
  const drawn = new Map<string, readonly Candidate[]>()
  return {
    async put(order, pictures) {
      drawn.set(order, pictures)
      let room = MAX_BYTES
      for (const [id, all] of [...drawn].toReversed()) {
        const fitting = all.filter(({ png }) => (room -= png.byteLength) >= 0)
        if (fitting.length === 0) drawn.delete(id)
        else drawn.set(id, fitting)
      }
    },
    find: async (order, n) => drawn.get(order)?.[n],
    ranks: async (order) => new Set(drawn.get(order)?.keys()),
  }
}
