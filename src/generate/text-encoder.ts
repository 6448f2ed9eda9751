// What a pipeline knows of a text: the search's own vector of it, or what an encoder of its own says.
import { join } from 'node:path'
import type { EmbedTexts } from '../models/clip.ts'
import { verifyModel } from '../models/manifest.ts'
import { openTokenizer, type Tokenize } from '../models/tokenizer.ts'
import type { Graphs } from './graphs.ts'
import { type PipelineSpec, tokenizerFiles } from './pipeline-manifest.ts'
import type { TextEncoder } from './pipeline-parts.ts'
import { rowsOf, type Telling, vector } from './told.ts'

/** By role: `text`, and with an own encoder also `hidden` and `mask`. */
export type EncodeText = (text: string) => Promise<Telling>

export function openTextEncoder(
  spec: PipelineSpec,
  graphs: Graphs,
  embedTexts: EmbedTexts,
): EncodeText {
  const encoder = spec.text
  if (encoder === 'search') {
    return async (text) => ({ text: vector((await embedTexts([text]))[0]!) })
  }
  let tokenize: Tokenize | undefined
  return async (text) => {
    tokenize ??= await openOwnTokenizer(spec, encoder)
    return encode(tokenize(text), encoder, graphs)
  }
}

async function openOwnTokenizer(spec: PipelineSpec, encoder: TextEncoder): Promise<Tokenize> {
  await verifyModel(spec, tokenizerFiles(encoder))
  const { folder, contextLength, endId, padId } = encoder.tokenizer
  const directory = join(spec.directory, folder)
  // As diffusers, which cleans no prompts.
  return openTokenizer({ directory, text: { contextLength, endId, padId, cleaning: 'none' } })
}

/** Padded to the whole context, as these networks were trained. */
async function encode(
  tokens: readonly number[],
  encoder: TextEncoder,
  graphs: Graphs,
): Promise<Telling> {
  const { inputs, outputs, tokenizer } = encoder
  const ids = new Float32Array(tokenizer.contextLength).fill(tokenizer.padId)
  ids.set(tokens)
  const mask = new Float32Array(tokenizer.contextLength).fill(1, 0, tokens.length)
  const row = [tokenizer.contextLength]
  const feeds = [
    { input: inputs.ids, row, data: ids },
    ...(inputs.mask ? [{ input: inputs.mask, row, data: mask }] : []),
  ]
  const names = Object.entries(outputs).filter((pair): pair is [string, string] => Boolean(pair[1]))
  const graph = await graphs.load(encoder)
  const answers = await graph.run(
    feeds,
    1,
    names.map(([, name]) => name),
  )
  const told = names.map(([role], i) => {
    const { row, of } = rowsOf(answers[i]!)
    return [role, { row, of: () => of(0) }] as const
  })
  return { ...Object.fromEntries(told), mask: vector(mask) }
}
