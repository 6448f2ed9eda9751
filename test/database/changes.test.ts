// The change feed: whoever follows it, at any pace, ends with the visible contents and their vectors.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openExactIndex } from '../../src/search/exact-index.ts'
import { syncIndex } from '../../src/search/sync.ts'
import type { VectorIndex } from '../../src/search/vector-index.ts'
import { feedState, lastSequence, readChanges, type VectorSpace } from '../../src/store/changes.ts'
import type { Database } from '../../src/store/database.ts'
import { deletePaths, markMissing } from '../../src/store/paths.ts'
import { type IndexedFile, writeBatch } from '../../src/store/pictures.ts'
import { describeDatabase } from '../helpers/database.ts'
import { Follower } from '../helpers/follower.ts'
import { newGate } from '../helpers/gate.ts'
import { noise } from '../helpers/noise-pictures.ts'
import { hashOf, sharedDatabase, storedFile, vectorOf } from '../helpers/shared-store.ts'

const space: VectorSpace = { model: 'clip', recipe: 'first' }

const followerOf = (db: Database, of = space) => new Follower(db, of)

const write = (db: Database, files: readonly IndexedFile[], to = space) =>
  writeBatch(db, to, { files, failures: [] })

async function isPending(work: Promise<unknown>): Promise<boolean> {
  return Promise.race([work.then(() => false), sleep(1, true)])
}

describeDatabase('change feed', (newPlace, engine) => {
  const shared = sharedDatabase(newPlace)

  test('is empty in a new store', async () => {
    expect(await readChanges(shared.db, space, 0, 10)).toEqual({ changes: [], sequence: 0 })
    expect(await lastSequence(shared.db)).toBe(0)
  })

  test('delivers new pictures with their vectors', async () => {
    await write(shared.db, [storedFile('cat'), storedFile('dog')])
    const { vectors, sequence } = await followerOf(shared.db).catchUp()
    expect(vectors).toEqual(
      new Map([
        [hashOf('cat'), vectorOf('cat')],
        [hashOf('dog'), vectorOf('dog')],
      ]),
    )
    expect(sequence).toBe(await lastSequence(shared.db))
    expect((await feedState(shared.db, space)).count).toBe(2)
  })

  test('a file whose known content has been pruned meanwhile waits for the next run', async () => {
    const { content: _, vector: __, ...copy } = storedFile('cat')
    await write(shared.db, [copy, storedFile('dog')])
    const { vectors } = await followerOf(shared.db).catchUp()
    expect([...vectors.keys()]).toEqual([hashOf('dog')])
  })

  test('put, remove and put of one content collapse to its last state', async () => {
    const cat = storedFile('cat')
    await write(shared.db, [cat])
    const put = await readChanges(shared.db, space, 0, 10)
    await markMissing(shared.db, [cat.path], true)
    const removed = await readChanges(shared.db, space, 0, 10)
    await markMissing(shared.db, [cat.path], false)
    const again = await readChanges(shared.db, space, 0, 10)

    expect(put.changes).toEqual([{ content: cat.hash, vector: cat.vector }])
    expect(removed.changes).toEqual([{ content: cat.hash, vector: null }])
    expect(again.changes).toEqual(put.changes)
    expect(removed.sequence).toBeGreaterThan(put.sequence)
    expect(again.sequence).toBeGreaterThan(removed.sequence)
  })

  test('a content that is deleted from the store leaves a removal behind', async () => {
    await write(shared.db, [storedFile('cat')])
    const follower = await followerOf(shared.db).catchUp()
    await deletePaths(shared.db, '/photos', 'all')
    expect((await follower.catchUp()).vectors.size).toBe(0)
    expect((await feedState(shared.db, space)).count).toBe(0)
  })

  test('one path more or less of a content that has another changes nothing', async () => {
    const original = storedFile('cat', '/photos/cat.png')
    const copy = { ...storedFile('cat', '/copies/cat.png') }
    await write(shared.db, [original])
    const before = await lastSequence(shared.db)
    const { vector: _, content: __, ...known } = copy
    await write(shared.db, [known])
    await markMissing(shared.db, [copy.path], true)
    await markMissing(shared.db, [copy.path], false)
    await deletePaths(shared.db, '/copies', 'all')
    expect(await lastSequence(shared.db)).toBe(before)
  })

  test('a path that changes its content removes the old one and puts the new one', async () => {
    await write(shared.db, [storedFile('cat', '/photos/pet.png')])
    const follower = await followerOf(shared.db).catchUp()
    await write(shared.db, [storedFile('dog', '/photos/pet.png')])
    expect([...(await follower.catchUp()).vectors.keys()]).toEqual([hashOf('dog')])
  })

  test('a path that becomes a failure removes its content', async () => {
    await write(shared.db, [storedFile('cat')])
    const follower = await followerOf(shared.db).catchUp()
    const { path } = storedFile('cat')
    const failure = { code: 'corrupt_image', reason: 'no end', triedBy: '1' }
    await writeBatch(shared.db, space, {
      files: [],
      failures: [{ path, sizeBytes: 1, mtimeMs: 1, ...failure }],
    })
    expect((await follower.catchUp()).vectors.size).toBe(0)
  })

  test.each([
    ['model', { model: 'other', recipe: 'first' }],
    ['recipe', { model: 'clip', recipe: 'second' }],
  ])('vectors of another %s are not delivered', async (_, other) => {
    await write(shared.db, [storedFile('cat')])
    const { vectors, sequence } = await followerOf(shared.db, other).catchUp()
    expect(vectors.size).toBe(0)
    expect(sequence).toBe(await lastSequence(shared.db))
    expect((await feedState(shared.db, other)).count).toBe(0)
  })

  test('embedding by another model is a change for its own index only', async () => {
    const other = { model: 'other', recipe: 'first' }
    await write(shared.db, [storedFile('cat'), storedFile('dog')])
    const mine = await followerOf(shared.db).catchUp()
    const theirs = await followerOf(shared.db, other).catchUp()
    const cat = storedFile('cat', undefined, vectorOf('cat, seen by another'))
    await write(shared.db, [cat], other)
    expect((await mine.catchUp()).seen).toHaveLength(2)
    expect(mine.vectors.get(cat.hash)).toEqual(vectorOf('cat'))
    expect((await theirs.catchUp()).vectors).toEqual(new Map([[cat.hash, cat.vector]]))
    const { sequence, count } = await feedState(shared.db, other)
    expect({ sequence, count }).toEqual({ sequence: theirs.sequence, count: 1 })
    expect((await feedState(shared.db, space)).sequence).toBe(mine.sequence)
    // Whoever begins later sees the same, each content once.
    const late = await followerOf(shared.db, other).catchUp(1)
    expect(late.vectors).toEqual(theirs.vectors)
    expect(late.seen.toSorted()).toEqual([hashOf('cat'), hashOf('dog')].toSorted())
  })

  test('embedding by a new recipe puts again, and takes the old vector away', async () => {
    const second = { ...space, recipe: 'second' }
    await write(shared.db, [storedFile('cat')])
    const old = await followerOf(shared.db).catchUp()
    const current = await followerOf(shared.db, second).catchUp()
    const cat = storedFile('cat', undefined, vectorOf('cat, seen in another way'))
    await write(shared.db, [cat], second)
    expect((await current.catchUp()).vectors.get(cat.hash)).toEqual(cat.vector)
    expect((await old.catchUp()).vectors.size).toBe(0)
  })

  test('a write that fails leaves no change behind', async () => {
    const dog = storedFile('dog')
    const broken = { ...dog, content: { ...dog.content, format: null as never } }
    await expect(write(shared.db, [storedFile('cat'), broken])).rejects.toThrow()
    expect(await lastSequence(shared.db)).toBe(0)
  })

  test.each([1, 2, 3, 7])('pages of %i deliver every change once, in order', async (limit) => {
    const names = Array.from({ length: 7 }, (_, i) => `picture ${i}`)
    for (const name of names) await write(shared.db, [storedFile(name)])
    const { seen } = await followerOf(shared.db).catchUp(limit)
    expect(seen).toEqual(names.map(hashOf))
  })

  test('following along gives the same as reading all from the start', async () => {
    const follower = followerOf(shared.db)
    const files = new Map<string, { name: string; missing: boolean }>()
    for (const [pathByte, nameByte, action, limit] of quadruples(noise('follow', 240))) {
      const path = `/photos/${pathByte % 6}.png`
      const known = files.get(path)
      if (action % 8 === 0) {
        await deletePaths(shared.db, '/photos', 'missing')
        for (const [at, { missing }] of files) if (missing) files.delete(at)
      } else if (known && action % 2 === 0) {
        known.missing = !known.missing
        await markMissing(shared.db, [path], known.missing)
      } else {
        const name = `picture ${nameByte % 4}`
        await write(shared.db, [storedFile(name, path)])
        files.set(path, { name, missing: false })
      }
      if (limit % 3 === 0) await follower.catchUp(1 + (limit % 4))
    }
    const visible = [...files.values()].filter(({ missing }) => !missing).map(({ name }) => name)
    const expected = new Map(visible.map((name) => [hashOf(name), vectorOf(name)]))
    expect(expected.size).toBeGreaterThan(0)
    expect((await follower.catchUp()).vectors).toEqual(expected)
    expect((await followerOf(shared.db).catchUp()).vectors).toEqual(expected)
    expect((await feedState(shared.db, space)).count).toBe(expected.size)
  })

  test('a write while an index catches up is no sign that the index is wrong', async () => {
    const identity = { storeId: 'any', ...space, dimension: vectorOf('cat').length }
    const exact = await openExactIndex({ identity })
    await write(shared.db, [storedFile('cat')])
    let writing: Promise<unknown> | undefined
    // Asked for its size, which is compared with the store's, it lets somebody write.
    const index = new Proxy(exact, {
      get(target, key: keyof VectorIndex) {
        if (key === 'size') writing ??= write(shared.db, [storedFile('dog')])
        return target[key]
      },
    })
    expect(await syncIndex(shared.db, space, index)).toBe(true)
    await writing
    expect(await syncIndex(shared.db, space, index)).toBe(true)
    expect(exact.size).toBe(2)
  })

  if (engine === 'postgres')
    test('a reader misses nothing when the first writer commits last', async () => {
      const reader = followerOf(shared.db)
      const [written, mayCommit] = [newGate(), newGate()]
      const slow = shared.db.transaction(async (tx) => {
        await write(tx, [storedFile('slow')])
        written.open()
        await mayCommit.opened
      })
      await Promise.race([written.opened, slow])
      const quick = write(shared.db, [storedFile('quick')])
      // Time for the quick one to pass, if it could.
      const reading = (async () => {
        for (let i = 0; i < 10; i++) {
          await reader.catchUp()
          await sleep(10)
        }
      })()
      // On a cluster the reader waits for the writer.
      await Promise.race([reading, sleep(1000)])
      mayCommit.open()
      await Promise.all([slow, quick, reading])
      expect([...(await reader.catchUp()).vectors.keys()].sort()).toEqual(
        [hashOf('slow'), hashOf('quick')].sort(),
      )
    })

  if (engine === 'postgres')
    test('a reader misses nothing of a transaction that began first and wrote last', async () => {
      const reader = followerOf(shared.db)
      const [begun, mayWrite] = [newGate(), newGate()]
      const slow = shared.db.transaction(async (tx) => {
        await lastSequence(tx)
        begun.open()
        await mayWrite.opened
        await write(tx, [storedFile('slow')])
      })
      await Promise.race([begun.opened, slow])
      await write(shared.db, [storedFile('quick')])
      await reader.catchUp()
      mayWrite.open()
      await slow
      expect((await reader.catchUp()).seen).toEqual([hashOf('quick'), hashOf('slow')])
    })

  if (engine === 'postgres')
    test('a reader that polls while many write misses nothing', async () => {
      const reader = followerOf(shared.db)
      const names = Array.from({ length: 60 }, (_, i) => `picture ${i}`)
      const queue = names.values()
      const writeSome = async () => {
        for (const name of queue) {
          await shared.db.transaction(async (tx) => {
            await write(tx, [storedFile(name)])
            // Commits in another order than it writes, where nothing prevents it.
            await sleep(noise(name, 1)[0]! % 8)
          })
        }
      }
      const writers = Promise.all(Array.from({ length: 6 }, writeSome))
      while (await isPending(writers)) await reader.catchUp(5)
      expect([...(await reader.catchUp()).vectors.keys()].sort()).toEqual(names.map(hashOf).sort())
    })
})

function* quadruples(bytes: Uint8Array): Generator<[number, number, number, number]> {
  for (let i = 0; i + 4 <= bytes.length; i += 4) {
    yield [bytes[i]!, bytes[i + 1]!, bytes[i + 2]!, bytes[i + 3]!]
  }
}
