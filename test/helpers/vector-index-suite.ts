// What every VectorIndex promises, wherever it keeps its vectors.
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { ContentHash } from '../../src/core/hash.ts'
import { type UnitVector, asUnitVector, dot, normalize } from '../../src/core/vector.ts'
import { openExactIndex } from '../../src/search/exact-index.ts'
import type {
  Among,
  Hit,
  IndexIdentity,
  VectorChange,
  VectorIndex,
} from '../../src/search/vector-index.ts'

export const identity: IndexIdentity = {
  storeId: 'store',
  model: 'model',
  recipe: 'recipe',
  dimension: 4,
}

/** How an index is opened, empty, and how contents come to pass a filter there. */
export interface Adapter {
  readonly open: (options: { readonly identity: IndexIdentity }) => Promise<VectorIndex>
  /** A filter that these contents pass, and no others. */
  readonly among: (contents: ReadonlySet<ContentHash>) => Promise<Among>
  /** Histories that it is taken through, 40 where it does not say. */
  readonly histories?: number
}

/** A filter whose answer is known. */
export function amongThese(contents: ReadonlySet<ContentHash>): Among {
  return { filter: {}, count: async () => contents.size, contents: async () => contents }
}

export const contentOf = (name: number | string): ContentHash =>
  createHash('sha256').update(String(name)).digest('hex')
export const put = (name: number | string, vector: UnitVector): VectorChange => ({
  content: contentOf(name),
  vector,
})
export const removal = (name: number | string): VectorChange => ({
  content: contentOf(name),
  vector: null,
})
export const axis = (position: number, dimension = 4): UnitVector =>
  normalize(Array.from({ length: dimension }, (_, i) => (i === position ? 1 : 0)))
export const contentsOf = (hits: readonly Hit[]): ContentHash[] =>
  hits.map(({ content }) => content)

/** mulberry32: a small generator with a seed, so that recall figures repeat. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Unit vectors around `clusters` centres, as pictures of the same kind of thing are. */
export function clustered(
  count: number,
  dimension: number,
  clusters: number,
  seed: number,
): UnitVector[] {
  const random = randomFrom(seed)
  const noise = () => Array.from({ length: dimension }, () => random() + random() + random() - 1.5)
  const centres = Array.from({ length: clusters }, noise)
  return Array.from({ length: count }, () => {
    const centre = centres[Math.floor(random() * clusters)]!
    return normalize(noise().map((value, i) => value + centre[i]!))
  })
}

/** The port in a few obvious lines. */
function oracleSearch(vectors: Map<ContentHash, UnitVector>, query: UnitVector, k: number): Hit[] {
  return [...vectors]
    .map(([content, vector]) => ({ content, score: dot(vector, query) }))
    .sort((a, b) => b.score - a.score || (a.content < b.content ? -1 : 1))
    .slice(0, k)
}

async function recall(of: VectorIndex, against: VectorIndex, queries: UnitVector[], k: number) {
  let found = 0
  for (const query of queries) {
    const expected = new Set(contentsOf(await against.search(query, k)))
    found += (await of.search(query, k)).filter(({ content }) => expected.has(content)).length
  }
  return found / (queries.length * k)
}

/** Declares the tests of an adapter in a block of its own. */
export function describeVectorIndex(name: string, { open, among, histories = 40 }: Adapter): void {
  describe(name, () => {
    const opened: VectorIndex[] = []
    afterEach(() => Promise.all(opened.splice(0).map((index) => index.close())))

    async function openIndex(options: { identity: IndexIdentity } = { identity }) {
      const index = await open(options)
      opened.push(index)
      return index
    }

    describe('search', () => {
      it('finds nothing in an empty index', async () => {
        const index = await openIndex()
        expect(await index.search(axis(0), 10)).toEqual([])
        expect(index).toMatchObject({ size: 0, sequence: 0, dimension: 4 })
      })

      it('returns everything, best first, when k exceeds the size', async () => {
        const index = await openIndex()
        await index.apply([put('far', axis(1)), put('near', axis(0))], 2)
        expect(await index.search(axis(0), 5_000)).toEqual([
          { content: contentOf('near'), score: 1 },
          { content: contentOf('far'), score: 0 },
        ])
        expect(index).toMatchObject({ size: 2, sequence: 2 })
      })

      it('returns nothing for k = 0', async () => {
        const index = await openIndex()
        await index.apply([put('a', axis(0))], 1)
        expect(await index.search(axis(0), 0)).toEqual([])
      })

      it('orders ties by content hash, also across the cut at k', async () => {
        const index = await openIndex()
        const names = Array.from({ length: 40 }, (_, i) => i)
        await index.apply([put('other', axis(1)), ...names.map((name) => put(name, axis(0)))], 1)
        const sorted = names.map(contentOf).sort()
        expect(contentsOf(await index.search(axis(0), 7))).toEqual(sorted.slice(0, 7))
        expect(contentsOf(await index.search(axis(0), 40))).toEqual(sorted)
      })

      it('finds all of many identical vectors and what lies beyond them', async () => {
        const index = await openIndex()
        const twins = Array.from({ length: 1_200 }, (_, i) => put(i, axis(0)))
        await index.apply([put('first', axis(1)), ...twins, put('last', axis(2))], 1)
        const hits = await index.search(axis(0), 1_202)
        expect(hits).toHaveLength(1_202)
        expect(new Set(contentsOf(hits)).size).toBe(1_202)
      })

      it('refuses a query of another dimension', async () => {
        const index = await openIndex()
        await expect(index.search(axis(0, 5), 1)).rejects.toMatchObject({
          code: 'dimension_mismatch',
        })
      })

      it('keeps to the allowed contents: none, unknown ones, few, all', async () => {
        const index = await openIndex()
        const names = Array.from({ length: 50 }, (_, i) => i)
        await index.apply(
          names.map((name) => put(name, axis(name % 4))),
          1,
        )
        const search = async (k: number, ...allowed: (number | string)[]) =>
          index.search(axis(0), k, await among(new Set(allowed.map(contentOf))))
        expect(await search(10)).toEqual([])
        expect(await search(10, 'nobody', 'nothing')).toEqual([])
        expect(await search(0, 1, 2)).toEqual([])
        expect(await search(10, 'nobody', 3, 4)).toEqual([
          { content: contentOf(4), score: 1 },
          { content: contentOf(3), score: 0 },
        ])
        expect(await search(1, 1, 4, 3)).toEqual([{ content: contentOf(4), score: 1 }])
        for (const k of [7, 50, 99])
          expect(await search(k, ...names)).toEqual(await index.search(axis(0), k))
      })

      it('never returns an allowed content that was removed', async () => {
        const index = await openIndex()
        await index.apply([put('a', axis(0)), put('b', axis(1)), removal('a')], 3)
        const allowed = new Set([contentOf('a'), contentOf('b')])
        expect(contentsOf(await index.search(axis(0), 5, await among(allowed)))).toEqual([
          contentOf('b'),
        ])
      })

      it('answers while changes are being applied', async () => {
        const index = await openIndex({ identity: { ...identity, dimension: 64 } })
        const vectors = clustered(1_500, 64, 10, 1)
        await index.apply([put('first', vectors[0]!)], 1)
        const applying = index.apply(
          vectors.map((vector, i) => put(i, vector)),
          2,
        )
        const during = await Promise.all(
          vectors.slice(0, 20).map((query) => index.search(query, 1)),
        )
        await applying
        expect(during.every((hits) => hits.length === 1)).toBe(true)
        expect(contentsOf(await index.search(vectors[9]!, 1))).toEqual([contentOf(9)])
      })
    })

    describe('apply', () => {
      it('replaces the vector of a known content', async () => {
        const index = await openIndex()
        await index.apply([put('a', axis(0)), put('b', axis(1))], 2)
        await index.apply([put('a', axis(2))], 3)
        expect(await index.search(axis(2), 1)).toEqual([{ content: contentOf('a'), score: 1 }])
        expect((await index.search(axis(0), 5)).map(({ score }) => score)).toEqual([0, 0])
        expect(index).toMatchObject({ size: 2, sequence: 3 })
      })

      it('gives back the vectors that it holds', async () => {
        const index = await openIndex()
        await index.apply([put('a', axis(0)), put('b', axis(1)), put('c', axis(2))], 3)
        await index.apply([put('a', axis(3)), removal('b')], 5)
        const asked = ['a', 'b', 'c', 'unknown'].map(contentOf)
        expect(await index.vectorsOf(asked)).toEqual(
          new Map([
            [contentOf('a'), axis(3)],
            [contentOf('c'), axis(2)],
          ]),
        )
      })

      it('never returns a removed content, and takes it back', async () => {
        const index = await openIndex()
        await index.apply([put('a', axis(0)), put('b', axis(1)), put('c', axis(2))], 3)
        await index.apply([removal('a')], 4)
        expect(contentsOf(await index.search(axis(0), 3))).toEqual(
          [contentOf('b'), contentOf('c')].sort(),
        )
        await index.apply([put('a', axis(0))], 5)
        expect(contentsOf(await index.search(axis(0), 1))).toEqual([contentOf('a')])
      })

      it('takes changes of one content in order', async () => {
        const index = await openIndex()
        await index.apply(
          [put('a', axis(0)), removal('a'), put('a', axis(1)), put('b', axis(0)), removal('b')],
          5,
        )
        expect(await index.search(axis(1), 5)).toEqual([{ content: contentOf('a'), score: 1 }])
      })

      it('ignores the removal of an unknown content but moves on', async () => {
        const index = await openIndex()
        await index.apply([removal('nobody')], 9)
        expect(index).toMatchObject({ size: 0, sequence: 9 })
      })

      it('can be emptied and filled again', async () => {
        const index = await openIndex()
        await index.apply([put('a', axis(0)), put('b', axis(1))], 2)
        await index.apply([removal('b'), removal('a')], 4)
        expect(await index.search(axis(0), 3)).toEqual([])
        await index.apply([put('c', axis(3))], 5)
        expect(contentsOf(await index.search(axis(3), 3))).toEqual([contentOf('c')])
      })

      it('refuses a vector of another dimension and then changes nothing', async () => {
        const index = await openIndex()
        const applied = index.apply([put('a', axis(0)), put('b', axis(0, 3))], 2)
        await expect(applied).rejects.toMatchObject({ code: 'dimension_mismatch' })
        expect(index).toMatchObject({ size: 0, sequence: 0 })
        await index.apply([put('a', axis(0))], 2)
        expect(index.size).toBe(1)
      })
    })

    describe('quality', () => {
      const dimension = 64
      const wide = { identity: { ...identity, dimension } }
      const vectors = clustered(2_200, dimension, 40, 42)
      const queries = vectors.splice(2_000)
      const fill = vectors.map((vector, i) => put(i, vector))
      const oracle = new Map(vectors.map((vector, i) => [contentOf(i), vector]))

      async function pair(): Promise<[VectorIndex, VectorIndex]> {
        const reference = await openExactIndex(wide)
        opened.push(reference)
        return [await openIndex(wide), reference]
      }

      it('finds at least 95 % of the ten nearest, past the first capacity', async () => {
        const [index, reference] = await pair()
        for (const each of [index, reference]) await each.apply(fill, 1)
        expect(index.size).toBe(2_000)
        expect(await recall(index, reference, queries, 10)).toBeGreaterThanOrEqual(0.95)
      })

      it('keeps that after heavy replacement and removal, and fills k', async () => {
        const [index, reference] = await pair()
        const moved = clustered(1_200, dimension, 40, 43).map((vector, i) => put(i, vector))
        const gone = Array.from({ length: 1_400 }, (_, i) => removal(i + 300))
        const nearest = oracleSearch(oracle, queries[0]!, 200)
        for (const each of [index, reference]) {
          await each.apply(fill, 1)
          await each.apply(moved, 2)
          await each.apply(gone, 3)
          // Where a graph would look first.
          await each.apply(
            nearest.map(({ content }) => ({ content, vector: null })),
            4,
          )
        }
        expect(index.size).toBe(reference.size)
        expect(await recall(index, reference, queries, 10)).toBeGreaterThanOrEqual(0.95)
        expect(await index.search(queries[0]!, index.size)).toHaveLength(index.size)
        expect(await index.search(queries[0]!, 20)).toHaveLength(20)
      })

      it('finds as many and as good ones among any share of the contents', async () => {
        const [index, reference] = await pair()
        for (const each of [index, reference]) await each.apply(fill, 1)
        const random = randomFrom(7)
        const farthest = oracleSearch(oracle, queries[0]!, 2_000).reverse()
        const sets = [1, 0.5, 0.1, 0.01, 0.002].map(
          (share) => new Set([...oracle.keys()].filter(() => random() < share)),
        )
        // What lies where the walk comes last.
        sets.push(new Set(contentsOf(farthest.slice(0, 900))))
        for (const allowed of sets) {
          const these = await among(allowed)
          let [found, all] = [0, 0]
          for (const query of queries.slice(0, 50)) {
            const expected = contentsOf(await reference.search(query, 10, these))
            expect(expected).toEqual(
              contentsOf(oracleSearch(oracle, query, 2_000))
                .filter((content) => allowed.has(content))
                .slice(0, 10),
            )
            const hits = await index.search(query, 10, these)
            expect(hits).toHaveLength(expected.length)
            expect(hits.every(({ content }) => allowed.has(content))).toBe(true)
            found += hits.filter(({ content }) => expected.includes(content)).length
            all += expected.length
          }
          expect(found / all).toBeGreaterThanOrEqual(0.98)
        }
      })

      it('gives the cosine as score', async () => {
        const index = await openIndex(wide)
        await index.apply(fill, 1)
        for (const { content, score } of await index.search(queries[1]!, 20)) {
          expect(score).toBeCloseTo(dot(oracle.get(content)!, queries[1]!), 5)
        }
      })
    })

    it('agrees with a plain map under any sequence of changes', async () => {
      // Coordinates of 0, 1/2 and 1 make every sum exact in any order, and many ties.
      const coordinates = fc.oneof(
        fc.nat(3).map((position) => [0, 1, 2, 3].map((i) => (i === position ? 1 : 0))),
        fc.array(fc.constantFrom(-0.5, 0.5), { minLength: 4, maxLength: 4 }),
      )
      const vector = coordinates.map((values) => asUnitVector(Float32Array.from(values)))
      const change = fc.record({ content: fc.nat(30).map(contentOf), vector: fc.option(vector) })
      const step = fc.record({
        changes: fc.array(change, { maxLength: 60 }),
        query: vector,
        k: fc.nat(40),
        allowed: fc.uniqueArray(fc.nat(40).map(contentOf)).map((some) => new Set(some)),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
          const index = await open({ identity })
          try {
            const oracle = new Map<ContentHash, UnitVector>()
            for (const [i, { changes, query, k, allowed }] of steps.entries()) {
              for (const { content, vector } of changes) {
                if (vector) oracle.set(content, vector)
                else oracle.delete(content)
              }
              await index.apply(changes, i + 1)
              expect(index).toMatchObject({ size: oracle.size, sequence: i + 1 })
              expect(await index.search(query, k)).toEqual(oracleSearch(oracle, query, k))
              const some = new Map([...oracle].filter(([content]) => allowed.has(content)))
              const hits = await index.search(query, k, await among(allowed))
              expect(hits).toEqual(oracleSearch(some, query, k))
            }
          } finally {
            await index.close()
          }
        }),
        { numRuns: histories, seed: 42 },
      )
    })
  })
}
