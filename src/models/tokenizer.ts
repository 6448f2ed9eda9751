// Text -> token ids, from a Hugging Face tokenizer.json.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Tokenizer } from '@huggingface/tokenizers'
import { z } from 'zod'
import { LucidaError, messageOf } from '../core/errors.ts'
import { takeCharsmap } from './charsmap.ts'
import { type Cleaning, CLEANINGS } from './text-cleaning.ts'

/** Token ids of one text, special tokens included; never longer than the context. */
export interface Tokenize {
  (text: string): number[]
  /** Its own padding token, which config.json often does not say or says wrongly. */
  readonly padId: number
}

/** How texts are cut. Without `endId`, the end token is the one that the tokenizer puts last. */
interface Cut {
  readonly contextLength: number
  /** Where the tokenizer names no padding token. */
  readonly padId: number
  readonly endId?: number
  /** Where the model's own settings say how texts are cleaned; else its tokenizer tells. */
  readonly cleaning?: Cleaning | undefined
  readonly lowerCase?: boolean
}

/**
 * Characters of a text that can still matter: BPE never makes one token of more than a few dozen
 * characters, and no CLIP context passes 77 tokens. Keeps a pasted book from costing seconds.
 */
const MAX_CHARACTERS = 10_000

/** Opens the model's tokenizer. Over-long texts lose their middle tokens, never the end token. */
export async function openTokenizer(model: { directory: string; text: Cut }): Promise<Tokenize> {
  const { contextLength, endId, cleaning } = model.text
  const { tokenizer, replace, config } = await loadTokenizer(model.directory)
  const clean = CLEANINGS[cleaning ?? cleaningOf(tokenizer, config, model.text)]
  const tokenize = (text: string) => {
    const { ids } = tokenizer.encode(replace(clean(text.slice(0, MAX_CHARACTERS))))
    if (ids.length <= contextLength) return ids
    return [...ids.slice(0, contextLength - 1), endId ?? ids.at(-1)!]
  }
  const { pad_token: pad } = config
  const padToken = typeof pad === 'string' ? pad : pad?.content
  const padId = padToken === undefined ? undefined : tokenizer.token_to_id(padToken)
  return Object.assign(tokenize, { padId: padId ?? model.text.padId })
}

const tokenizerConfig = z.looseObject({
  pad_token: z.union([z.string(), z.object({ content: z.string() })]).nullish(),
  tokenizer_class: z.string().optional(),
  do_lower_case: z.boolean().optional(),
})

type TokenizerConfig = z.infer<typeof tokenizerConfig>

/** OpenAI's vocabulary ends with this token at this number, and nobody else's does. */
const OPENAI_END = ['<|endoftext|>', 49_407] as const

/**
 * What a tokenizer.json does not hold. Every model with OpenAI's vocabulary was trained on texts that
 * were cleaned as OpenAI's and open_clip's tokenizers do; transformers leaves that out.
 */
function cleaningOf(tokenizer: Tokenizer, config: TokenizerConfig, text: Cut): Cleaning {
  switch (config.tokenizer_class?.replace(/Fast$/, '')) {
    case 'SiglipTokenizer':
      return config.do_lower_case === false ? 'siglip-cased' : 'siglip'
    case 'Siglip2Tokenizer':
      return 'small'
    default:
      if (text.lowerCase) return 'small'
      return tokenizer.token_to_id(OPENAI_END[0]) === OPENAI_END[1] ? 'lower' : 'none'
  }
}

interface Loaded {
  readonly tokenizer: Tokenizer
  readonly config: TokenizerConfig
  /** sentencepiece's replacement of characters. */
  readonly replace: (text: string) => string
}

async function loadTokenizer(directory: string): Promise<Loaded> {
  try {
    const [json, config] = await Promise.all(
      ['tokenizer.json', 'tokenizer_config.json'].map(async (name) =>
        JSON.parse(await readFile(join(directory, name), 'utf8')),
      ),
    )
    const { definition, replace } = takeCharsmap(json)
    const tokenizer = new Tokenizer(definition, config)
    return { tokenizer, replace, config: tokenizerConfig.parse(config) }
  } catch (cause) {
    throw new LucidaError(
      'model_invalid',
      `The tokenizer of ${directory} cannot be read: ${messageOf(cause)}`,
      { cause },
    )
  }
}
