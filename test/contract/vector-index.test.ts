// What every in-memory VectorIndex promises, run against each adapter: the common suite, and that it
// is saved in files.
import {
  cp,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openExactIndex } from '../../src/search/exact-index.ts'
import { hnswAvailable, openHnswIndex } from '../../src/search/hnsw-index.ts'
import type { IndexOptions } from '../../src/search/index-file.ts'
import type { VectorIndex } from '../../src/search/vector-index.ts'
import {
  amongThese,
  axis,
  contentOf,
  contentsOf,
  describeVectorIndex,
  identity,
  put,
  removal,
} from '../helpers/vector-index-suite.ts'

const missing = !(await hnswAvailable())
const adapters = [
  { name: 'exact', open: openExactIndex, skipped: false },
  {
    name: missing ? 'hnsw (skipped: no hnswlib-node here)' : 'hnsw',
    open: openHnswIndex,
    skipped: missing,
  },
]

/** Changes the header and makes its checksum right again. */
async function rewriteHeader(directory: string, change: (header: object) => object): Promise<void> {
  const path = join(directory, 'header.json')
  const { checksum: _, ...header } = JSON.parse(await readFile(path, 'utf8')) as {
    checksum: string
  }
  const changed = change(header)
  const checksum = contentOf(JSON.stringify(changed))
  await writeFile(path, JSON.stringify({ ...changed, checksum }))
}

for (const { name, open, skipped } of adapters) {
  describe.skipIf(skipped)(name, () => {
    describeVectorIndex('as every index', { open, among: async (some) => amongThese(some) })

    const opened: VectorIndex[] = []
    let base: string
    let directory: string

    beforeAll(async () => {
      base = await mkdtemp(join(tmpdir(), 'lucida-index-'))
      directory = join(base, 'index')
    })
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((index) => index.close()))
      await rm(directory, { recursive: true, force: true })
    })
    afterAll(() => rm(base, { recursive: true, force: true }))

    async function openIndex(options: Partial<IndexOptions> = {}): Promise<VectorIndex> {
      const index = await open({ identity, ...options })
      opened.push(index)
      return index
    }

    /** Three contents on three axes, saved at sequence 7. */
    async function savedIndex(): Promise<VectorIndex> {
      const index = await openIndex({ directory })
      await index.apply([put('a', axis(0)), put('b', axis(1)), put('c', axis(2))], 7)
      await index.save()
      return index
    }

    const file = async (prefix: string) => {
      const name = (await readdir(directory)).find((entry) => entry.startsWith(prefix))
      return join(directory, name!)
    }

    async function expectEmpty(options: IndexOptions): Promise<void> {
      const index = await openIndex(options)
      expect(index).toMatchObject({ size: 0, sequence: 0 })
      const { dimension } = options.identity
      await index.apply([put('z', axis(1, dimension))], 1)
      expect(await index.search(axis(1, dimension), 3)).toHaveLength(1)
      await index.save()
      expect(await openIndex(options)).toMatchObject({ size: 1, sequence: 1 })
    }

    it('is not disturbed by a change that arrives half way', async () => {
      // So wide that the exact scan pauses every 40 rows.
      const dimension = 50_000
      const index = await openIndex({ identity: { ...identity, dimension } })
      const changes = Array.from({ length: 120 }, (_, i) => put(i, axis(i, dimension)))
      await index.apply(changes, 1)
      const before = index.search(axis(3, dimension), 200)
      await index.apply([put(119, axis(3, dimension)), removal(3), removal(4)], 2)
      expect(await before).toHaveLength(120)
      expect((await before)[0]).toEqual({ content: contentOf(3), score: 1 })
      const after = await index.search(axis(3, dimension), 200)
      expect(after).toHaveLength(118)
      expect(after[0]).toEqual({ content: contentOf(119), score: 1 })
    })

    describe('save', () => {
      it('is read back with the same hits and sequence, and goes on growing', async () => {
        const index = await savedIndex()
        await index.apply([removal('b'), put('d', axis(3)), put('a', axis(1))], 8)
        await index.save()
        const again = await openIndex({ directory })
        expect(again).toMatchObject({ size: 3, sequence: 8, kind: index.kind })
        expect(await again.search(axis(1), 9)).toEqual(await index.search(axis(1), 9))
        await again.apply(
          Array.from({ length: 1_100 }, (_, i) => put(i, axis(i % 4))),
          9,
        )
        expect(again.size).toBe(1_103)
        expect(await again.search(axis(1), 1_103)).toHaveLength(1_103)
      })

      it('keeps an index that has become empty', async () => {
        const index = await savedIndex()
        await index.apply([removal('a'), removal('b'), removal('c')], 10)
        await index.save()
        const again = await openIndex({ directory })
        expect(again).toMatchObject({ size: 0, sequence: 10 })
        await again.apply([put('a', axis(0))], 11)
        expect(await again.search(axis(0), 1)).toHaveLength(1)
      })

      it('does nothing without a directory', async () => {
        const index = await openIndex()
        await index.apply([put('a', axis(0))], 1)
        await expect(index.save()).resolves.toBeUndefined()
      })

      it('does nothing when nothing has changed since the last save or load', async () => {
        const index = await savedIndex()
        const before = await readdir(directory)
        await index.save()
        const again = await openIndex({ directory })
        await again.save()
        expect(await readdir(directory)).toEqual(before)
        await again.apply([], 12)
        await again.save()
        expect((await openIndex({ directory })).sequence).toBe(12)
      })

      it('removes the files of the save before and what a crash has left long ago', async () => {
        const index = await savedIndex()
        await writeFile(join(directory, 'vectors-1-crashed.bin'), 'x')
        await writeFile(join(directory, 'vectors-2-under-way.bin'), 'x')
        await writeFile(join(directory, 'notes.txt'), 'not ours')
        await utimes(join(directory, 'vectors-1-crashed.bin'), 0, 0)
        await index.apply([put('d', axis(3))], 8)
        await index.save()
        const names = (await readdir(directory)).map((name) => name.replace(/-8-\w+/, ''))
        expect(names.sort()).toEqual([
          'header.json',
          'labels.bin',
          'notes.txt',
          'vectors-2-under-way.bin',
          'vectors.bin',
        ])
      })

      it('keeps the old index when a crash comes before the new header', async () => {
        const index = await savedIndex()
        const copy = join(base, 'copy')
        await cp(directory, copy, { recursive: true })
        await index.apply([put('d', axis(3))], 8)
        await index.save()
        for (const name of await readdir(directory)) {
          if (name !== 'header.json') await cp(join(directory, name), join(copy, name))
        }
        const again = await openIndex({ directory: copy })
        expect(again).toMatchObject({ size: 3, sequence: 7 })
        expect(contentsOf(await again.search(axis(2), 1))).toEqual([contentOf('c')])
      })

      it('names the directory that cannot be written, and can be tried again', async () => {
        const blocked = join(base, 'blocked')
        await writeFile(blocked, 'a file where the directory should be')
        const index = await openIndex({ directory: blocked })
        await index.apply([put('a', axis(0))], 1)
        await expect(index.save()).rejects.toThrow(blocked)
        await rm(blocked)
        await index.save()
        expect(await openIndex({ directory: blocked })).toMatchObject({ size: 1, sequence: 1 })
      })
    })

    describe('load starts empty, and is usable, when', () => {
      it.each([
        { storeId: 'another' },
        { model: 'another' },
        { recipe: 'another' },
        { dimension: 5 },
      ])('the identity differs: %o', async (change) => {
        await savedIndex()
        await expectEmpty({ identity: { ...identity, ...change }, directory })
      })

      it('the format version differs', async () => {
        await savedIndex()
        await rewriteHeader(directory, (header) => ({ ...header, version: 0 }))
        await expectEmpty({ identity, directory })
      })

      it('it was saved by another kind of index', async () => {
        await savedIndex()
        await rewriteHeader(directory, (header) => ({ ...header, kind: 'pgvector' }))
        await expectEmpty({ identity, directory })
      })

      it.each(['vectors', 'labels', 'header'])('the %s file is cut short', async (prefix) => {
        await savedIndex()
        const path = await file(prefix)
        await truncate(path, (await readFile(path)).length - 5)
        await expectEmpty({ identity, directory })
      })

      it.each(['vectors', 'labels', 'header'])('a bit of the %s file flips', async (prefix) => {
        await savedIndex()
        const path = await file(prefix)
        const bytes = await readFile(path)
        bytes[Math.floor(bytes.length / 2)]! ^= 4
        await writeFile(path, bytes)
        await expectEmpty({ identity, directory })
      })

      it.each(['vectors', 'labels', 'header'])('the %s file is missing', async (prefix) => {
        await savedIndex()
        await rm(await file(prefix))
        await expectEmpty({ identity, directory })
      })

      it('the header is a directory', async () => {
        await mkdir(join(directory, 'header.json'), { recursive: true })
        expect(await openIndex({ identity, directory })).toMatchObject({ size: 0, sequence: 0 })
      })
    })
  })
}
