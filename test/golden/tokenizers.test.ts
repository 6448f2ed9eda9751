// Token ids against the reference implementations: open_clip's tokenizer, transformers' of SigLIP,
// sentencepiece's of XLM-RoBERTa (training/export/golden_tokenizers.py).
import { describe, expect, test } from 'vitest'
import { openTokenizer } from '../../src/models/tokenizer.ts'
import { FIXTURES, readGolden } from './golden-files.ts'

type Name = 'clip' | 'siglip' | 'xlm'

interface Case extends Readonly<Record<Name, readonly number[]>> {
  readonly kind: string
  readonly text: string
}

const { cases } = readGolden('tokenizers.json.gz') as { cases: readonly Case[] }

/** Names of special tokens in a text: every reference has its own idea of them. */
const LITERAL = ['literal']
/** What ftfy mends by statistics, and the names of characters that HTML 5 added. */
const NOT_CLEANED = ['misread', 'formulas']

async function differences(name: Name, folder: string, text: object, but: readonly string[]) {
  const tokenize = await openTokenizer({
    directory: FIXTURES + folder,
    text: { contextLength: 77, padId: 0, ...text },
  })
  const compared = cases.filter(({ kind }) => !but.includes(kind))
  expect(compared.length).toBeGreaterThan(1700)
  return compared
    .map((one) => ({ text: one.text, expected: one[name], found: tokenize(one.text) }))
    .filter(({ expected, found }) => expected.join() !== found.join())
}

test('the corpus has every kind of text', () => {
  const of = (kind: string) => cases.filter((one) => one.kind === kind)
  for (const kind of ['caption', 'typed', 'accents', 'blanks', 'controls', 'entities']) {
    expect(of(kind).length).toBeGreaterThan(20)
  }
  expect(of('characters').length).toBeGreaterThan(600)
  expect(of('long').some(({ text }) => text.length >= 9_990)).toBe(true)
})

test('CLIP’s are those of open_clip', async () => {
  const but = [...LITERAL, ...NOT_CLEANED]
  expect(await differences('clip', 'clip-tokenizer', { cleaning: 'lower' }, but)).toEqual([])
})

test('XLM-RoBERTa’s are those of sentencepiece', async () => {
  expect(await differences('xlm', 'models/xlm-roberta', {}, LITERAL)).toEqual([])
})

test('SigLIP’s are those of transformers, but for cuts that are as likely as each other', async () => {
  const found = await differences('siglip', 'models/siglip', { contextLength: 64 }, LITERAL)
  // The same pieces in another order: which of two cuts of one score is taken is an accident.
  expect(found.length).toBeLessThanOrEqual(1)
  for (const { expected, found: ids } of found) {
    expect(ids.toSorted((a, b) => a - b)).toEqual(expected.toSorted((a, b) => a - b))
  }
})

describe('a text with the name of a special token in it', () => {
  test('holds the token, as with OpenAI; whole texts end with it once', async () => {
    const tokenize = await openTokenizer({
      directory: `${FIXTURES}clip-tokenizer`,
      text: { contextLength: 77, padId: 0, cleaning: 'lower' },
    })
    const [start, end] = [tokenize('')[0]!, tokenize('')[1]!]
    expect(tokenize('<|startoftext|><|endoftext|>')).toEqual([start, start, end, end])
    expect(tokenize('dog').filter((id) => id === end)).toHaveLength(1)
  })
})

test('without cleaning, typed quotes and HTML are other tokens than the models were trained on', async () => {
  const differ = await differences('clip', 'clip-tokenizer', { cleaning: 'none' }, LITERAL)
  expect(differ.some(({ text }) => text.includes('“'))).toBe(true)
  expect(differ.some(({ text }) => text.includes('&amp;'))).toBe(true)
  expect(differ.some(({ text }) => /^[a-z ]+$/.test(text))).toBe(false)
})
