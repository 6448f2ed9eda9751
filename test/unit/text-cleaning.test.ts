// Which cleaning a tokenizer gets, and what each does. Against the references: test/golden/tokenizers.test.ts.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Cleaning, CLEANINGS } from '../../src/models/text-cleaning.ts'
import { openTokenizer } from '../../src/models/tokenizer.ts'

const TYPED = ' “Don’t  PANIC” &amp;amp; a_b,\u00a0ﬁne ＡＢ.\n'

test.each<[Cleaning, string]>([
  ['none', TYPED],
  ['small', TYPED.toLowerCase()],
  ['siglip', '“don’t panic” ampamp ab ﬁne ａｂ'],
  ['siglip-cased', '“Don’t PANIC” ampamp ab ﬁne ＡＢ'],
  ['whitespace', '"Don\'t PANIC" & a_b, fine AB.'],
  ['lower', '"don\'t panic" & a_b, fine ab.'],
  ['canonicalize', 'dont panic a b fine ab'],
])('%s', (name, cleaned) => {
  expect(CLEANINGS[name](TYPED)).toBe(cleaned)
})

test('entities stay where a line may be HTML, until they are undone at the end', () => {
  expect(CLEANINGS.whitespace('&EACUTE; &amp;lt;')).toBe('É <')
  expect(CLEANINGS.whitespace('<b>&EACUTE; &amp;amp;lt;')).toBe('<b>&EACUTE; &lt;')
})

describe('a tokenizer', () => {
  const source = fileURLToPath(new URL('../fixtures/clip-tokenizer', import.meta.url))
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'lucida-cleaning-'))
    await cp(source, directory, { recursive: true })
  })
  afterEach(() => rm(directory, { recursive: true }))

  async function idsOf(text: string, rule: object = {}): Promise<number[]> {
    const tokenize = await openTokenizer({
      directory,
      text: { contextLength: 77, padId: 0, ...rule },
    })
    return tokenize(text)
  }

  async function setClass(settings: object): Promise<void> {
    await writeFile(join(directory, 'tokenizer_config.json'), JSON.stringify(settings))
  }

  test.each<[string, object, object, Cleaning]>([
    ['of another vocabulary cleans nothing', { tokenizer_class: 'CLIPTokenizer' }, {}, 'none'],
    ['of SigLIP takes punctuation out', { tokenizer_class: 'SiglipTokenizer' }, {}, 'siglip'],
    [
      'of SigLIP may keep capitals',
      { tokenizer_class: 'SiglipTokenizer', do_lower_case: false },
      {},
      'siglip-cased',
    ],
    ['of SigLIP 2 takes capitals only', { tokenizer_class: 'Siglip2Tokenizer' }, {}, 'small'],
    [
      'of Gemma does in SigLIP 2',
      { tokenizer_class: 'GemmaTokenizer' },
      { lowerCase: true },
      'small',
    ],
    [
      'does what the model’s settings say',
      { tokenizer_class: 'X' },
      { cleaning: 'lower' },
      'lower',
    ],
  ])('%s', async (_, settings, rule, cleaning) => {
    await setClass(settings)
    expect(await idsOf(TYPED, rule)).toEqual(
      await idsOf(CLEANINGS[cleaning](TYPED), { cleaning: 'none' }),
    )
  })

  test('of OpenAI’s vocabulary cleans as OpenAI', async () => {
    const path = join(directory, 'tokenizer.json')
    const definition = JSON.parse(await readFile(path, 'utf8')) as {
      added_tokens: { content: string; id: number }[]
      model: { vocab: Record<string, number> }
    }
    const end = '<|endoftext|>'
    definition.model.vocab[end] = 49_407
    definition.added_tokens.find(({ content }) => content === end)!.id = 49_407
    await writeFile(path, JSON.stringify(definition))
    expect(await idsOf(TYPED)).toEqual(await idsOf(CLEANINGS.lower(TYPED), { cleaning: 'none' }))
  })
})
