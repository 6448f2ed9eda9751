// Text -> token ids, from a Hugging Face tokenizer.json.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Tokenizer } from '@huggingface/tokenizers'
import { z } from 'zod'
import { LucidaError, messageOf } from '../core/errors.ts'

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
  readonly lowerCase?: boolean
}

/**
 * Characters of a text that can still matter: BPE never makes one token of more than a few dozen
 * characters, and no CLIP context passes 77 tokens. Keeps a pasted book from costing seconds.
 */
const MAX_CHARACTERS = 10_000

/** Opens the model's tokenizer. Over-long texts lose their middle tokens, never the end token. */
export async function openTokenizer(model: { directory: string; text: Cut }): Promise<Tokenize> {
  const { contextLength, endId, lowerCase } = model.text
  const { tokenizer, padToken } = await loadTokenizer(model.directory)
  const tokenize = (text: string) => {
    const start = text.slice(0, MAX_CHARACTERS)
    const { ids } = tokenizer.encode(lowerCase ? start.toLowerCase() : start)
    if (ids.length <= contextLength) return ids
    return [...ids.slice(0, contextLength - 1), endId ?? ids.at(-1)!]
  }
  const padId = padToken === undefined ? undefined : tokenizer.token_to_id(padToken)
  return Object.assign(tokenize, { padId: padId ?? model.text.padId })
}

const tokenizerConfig = z.looseObject({
  pad_token: z.union([z.string(), z.object({ content: z.string() })]).nullish(),
})

async function loadTokenizer(
  directory: string,
): Promise<{ tokenizer: Tokenizer; padToken: string | undefined }> {
  try {
    const [definition, config] = await Promise.all(
      ['tokenizer.json', 'tokenizer_config.json'].map(async (name) =>
        JSON.parse(await readFile(join(directory, name), 'utf8')),
      ),
    )
    const { pad_token: pad } = tokenizerConfig.parse(config)
    const padToken = typeof pad === 'string' ? pad : pad?.content
    return { tokenizer: new Tokenizer(definition, config), padToken }
  } catch (cause) {
    throw new LucidaError(
      'model_invalid',
      `The tokenizer of ${directory} cannot be read: ${messageOf(cause)}`,
      { cause },
    )
  }
}
