// Text -> token ids, from a Hugging Face tokenizer.json.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Tokenizer } from '@huggingface/tokenizers'
import { LucidaError, messageOf } from '../core/errors.ts'
import type { ModelSpec } from './manifest.ts'

/** Token ids of one text, special tokens included; never longer than the context. */
export type Tokenize = (text: string) => number[]

/**
 * Characters of a text that can still matter: BPE never makes one token of more than a few dozen
 * characters, and no CLIP context passes 77 tokens. Keeps a pasted book from costing seconds.
 */
const MAX_CHARACTERS = 10_000

/** Opens the model's tokenizer. Over-long texts lose their middle tokens, never the end token. */
export async function openTokenizer(
  model: Pick<ModelSpec, 'directory' | 'text'>,
): Promise<Tokenize> {
  const { contextLength, endId } = model.text
  const tokenizer = await loadTokenizer(model.directory)
  return (text) => {
    const { ids } = tokenizer.encode(text.slice(0, MAX_CHARACTERS))
    return ids.length <= contextLength ? ids : [...ids.slice(0, contextLength - 1), endId]
  }
}

async function loadTokenizer(directory: string): Promise<Tokenizer> {
  try {
    const [definition, config] = await Promise.all(
      ['tokenizer.json', 'tokenizer_config.json'].map(async (name) =>
        JSON.parse(await readFile(join(directory, name), 'utf8')),
      ),
    )
    return new Tokenizer(definition, config)
  } catch (cause) {
    throw new LucidaError(
      'model_invalid',
      `The tokenizer of ${directory} cannot be read: ${messageOf(cause)}`,
      { cause },
    )
  }
}
