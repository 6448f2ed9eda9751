// Follows the change feed as an index does, and keeps all that it has seen.
import { expect } from 'vitest'
import type { ContentHash } from '../../src/core/hash.ts'
import type { UnitVector } from '../../src/core/vector.ts'
import { readChanges, type VectorSpace } from '../../src/store/changes.ts'
import type { Database } from '../../src/store/database.ts'

export class Follower {
  readonly vectors = new Map<ContentHash, UnitVector>()
  /** Contents in the order in which their changes came. */
  readonly seen: ContentHash[] = []
  sequence = 0
  readonly #db: Database
  readonly #space: VectorSpace

  constructor(db: Database, space: VectorSpace) {
    this.#db = db
    this.#space = space
  }

  /** Reads to the end in pages of `limit`. */
  async catchUp(limit = 1000): Promise<this> {
    for (;;) {
      const page = await readChanges(this.#db, this.#space, this.sequence, limit)
      expect(page.changes.length).toBeLessThanOrEqual(limit)
      if (page.sequence === this.sequence) return this
      for (const { content, vector } of page.changes) {
        this.seen.push(content)
        if (vector) this.vectors.set(content, vector)
        else this.vectors.delete(content)
      }
      this.sequence = page.sequence
    }
  }
}
