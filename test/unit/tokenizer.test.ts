import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ModelSpec } from '../../src/models/manifest.ts'
import { findModel } from '../../src/models/registry.ts'
import { openTokenizer, type Tokenize } from '../../src/models/tokenizer.ts'

const START = 1
const END = 2

let model: ModelSpec
let tokenize: Tokenize
beforeAll(async () => {
  model = await findModel('lucida-clip-1')
  tokenize = await openTokenizer(model)
})

test('the golden texts have exactly the golden ids', async () => {
  const file = new URL('../golden/tokenizer-lucida-clip-1.json', import.meta.url)
  const { cases } = JSON.parse(await readFile(file, 'utf8')) as {
    cases: { text: string; ids: number[] }[]
  }
  expect(cases.map(({ text }) => ({ text, ids: tokenize(text) }))).toEqual(cases)
})

describe('any text', () => {
  test('starts with the start token, ends with the end token and fits the context', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const ids = tokenize(text)
        expect(ids[0]).toBe(START)
        expect(ids.at(-1)).toBe(END)
        expect(ids.length).toBeLessThanOrEqual(28)
        expect(ids.every((id) => Number.isInteger(id) && id >= 0 && id < 8192)).toBe(true)
      }),
    )
  })

  test('is the same in capitals', () => {
    expect(tokenize('A DOG on the Beach')).toEqual(tokenize('a dog on the beach'))
  })
})

describe('a long text', () => {
  const long = 'a dog runs on the beach '.repeat(20)

  test('keeps its first 27 tokens and the end token', () => {
    const ids = tokenize(long)
    expect(ids).toHaveLength(28)
    expect(ids.at(-1)).toBe(END)
    expect(ids.slice(0, 7)).toEqual(tokenize('a dog runs on the beach').slice(0, -1))
    expect(ids.slice(0, -1)).not.toContain(END)
  })

  test('that just fits is whole', () => {
    const fits = 'dog '.repeat(26)
    expect(tokenize(fits)).toEqual([START, ...Array<number>(26).fill(tokenize('dog')[1]!), END])
    expect(tokenize(`${fits}dog`)).toEqual(tokenize(fits))
  })

  test.each([
    ['10,000 characters of words', 'lorem ipsum dolor '.repeat(600).slice(0, 10_000)],
    ['10,000 letters without a space', 'x'.repeat(10_000)],
    ['a book of a million characters', 'call me ishmael '.repeat(62_500)],
  ])('of %s takes no noticeable time', (_, text) => {
    const startedAt = performance.now()
    expect(tokenize(text)).toHaveLength(28)
    // Some 10 ms where nothing else runs.
    expect(performance.now() - startedAt).toBeLessThan(1000)
  })
})

test.each([
  ['is missing', null],
  ['is no JSON', '{"model": '],
  ['has no model in it', '{}'],
])('a tokenizer.json that %s is model_invalid', async (_, content) => {
  const directory = await mkdtemp(join(tmpdir(), 'lucida-tokenizer-'))
  try {
    await cp(
      join(model.directory, 'tokenizer_config.json'),
      join(directory, 'tokenizer_config.json'),
    )
    if (content !== null) await writeFile(join(directory, 'tokenizer.json'), content)
    await expect(openTokenizer({ ...model, directory })).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringContaining(directory),
    })
  } finally {
    await rm(directory, { recursive: true })
  }
})
