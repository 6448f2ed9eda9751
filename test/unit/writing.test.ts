// What a checkpoint vouches for, and what is remembered, while several runs write.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { readCheckpoint, spaceFolder } from '../../src/search/checkpoint.ts'
import { openExactIndex } from '../../src/search/exact-index.ts'
import type { VectorIndex } from '../../src/search/vector-index.ts'
import { openWriting } from '../../src/writing.ts'
import { newGate } from '../helpers/gate.ts'

const identity = { storeId: 'any', model: 'noise', recipe: 'none', dimension: 4 }

let dataDir: string
let index: VectorIndex
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lucida-writing-'))
  index = await openExactIndex({ identity, directory: spaceFolder(dataDir, identity) })
})
afterEach(() => rm(dataDir, { recursive: true, force: true }))

function open(listPictures: () => Promise<[]> = async () => []) {
  return openWriting({
    dataDir,
    identity: () => identity,
    isEmbedded: true,
    servingModel: async () => identity.model,
    listPictures,
    listDrawn: async () => [],
  })
}
const settled = () => ({ identity, live: { current: async () => index } })
const checkpoint = () => readCheckpoint(dataDir, identity)

test('what is read while a run begins is not remembered when it has ended', async () => {
  const writing = open()
  const beginning = writing.begin()
  const meanwhile = writing.quietSince()
  await beginning
  writing.end()
  expect(writing.quietSince()).not.toBeNull()
  expect(writing.quietSince()).not.toBe(meanwhile)
})

test('nobody vouches for what a run writes that has just begun', async () => {
  const listed = newGate()
  const writing = open(async () => {
    await listed.opened
    return []
  })
  await writing.begin()
  const other = writing.begin()
  const settling = writing.settle(settled(), null)
  await other
  listed.open()
  await settling
  writing.end()
  expect(await checkpoint()).toBeNull()
  await writing.settle(settled(), null)
  writing.end()
  expect(await checkpoint()).not.toBeNull()
})

test('two runs that end at once do not get in each other’s way', async () => {
  const writing = open()
  for (let i = 0; i < 20; i++) {
    const runs = [1, 2, 3].map(async () => {
      await writing.begin()
      try {
        await writing.settle(settled(), null)
      } finally {
        writing.end()
      }
    })
    await Promise.all(runs)
  }
  await writing.begin()
  await writing.settle(settled(), null)
  writing.end()
  expect(await checkpoint()).not.toBeNull()
})

test('a checkpoint that was taken away comes back only if nobody else has written', async () => {
  const list = vi.fn(async (): Promise<[]> => [])
  const writing = open(list)
  await writing.begin()
  await writing.settle(settled(), null)
  writing.end()
  expect(list).toHaveBeenCalledTimes(1)

  const alone = await writing.begin()
  await writing.settle(settled(), alone)
  writing.end()
  expect(await checkpoint()).toEqual(alone)
  expect(list).toHaveBeenCalledTimes(1)

  const taken = await writing.begin()
  expect(taken).not.toBeNull()
  // Moves a file, say: the index does not change with it, but the table does.
  await writing.aside(async () => {})
  await writing.settle(settled(), taken)
  writing.end()
  expect(await checkpoint()).not.toBeNull()
  expect(list).toHaveBeenCalledTimes(2)
})
