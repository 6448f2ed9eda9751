// What OpenAI's requests come to here.
import type { GenerateOptions } from '../lucida.ts'
import { RequestError } from './errors.ts'
import {
  type OpenAiEditForm,
  type OpenAiGenerateRequest,
  type OpenAiVaryForm,
  parseSize,
} from './openai-contract.ts'

/** Near enough to the picture to be a variation of it, far enough to be another. */
const VARIATION = 0.3

/** A text is drawn. */
export function generateOrder(body: OpenAiGenerateRequest): GenerateOptions {
  return { ...howOf(body), idea: { text: body.prompt } }
}

/**
 * A picture is turned towards the prompt, beginning with its own pixels. What a mask frees is drawn
 * anew altogether.
 */
export async function editOrder(form: OpenAiEditForm): Promise<GenerateOptions> {
  const picture = await pictureOf(form)
  const mask = form.mask && (await bytesOf(form.mask))
  return {
    ...howOf(form),
    idea: { change: picture, to: form.prompt },
    start: { picture, ...(mask && { mask, strength: 1 }) },
  }
}

/** Another picture of the same. */
export async function varyOrder(form: OpenAiVaryForm): Promise<GenerateOptions> {
  return { ...howOf(form), idea: { mix: [await pictureOf(form)] }, variation: VARIATION }
}

function howOf({
  n,
  size,
  seed,
}: OpenAiGenerateRequest | OpenAiVaryForm): Omit<GenerateOptions, 'idea'> {
  return {
    candidates: n ?? 1,
    seed: seed ?? undefined,
    size: (size && parseSize(size)) || undefined,
  }
}

async function pictureOf(form: OpenAiVaryForm) {
  const file = form.image ?? form['image[]']?.[0]
  if (!file) throw new RequestError('bad_input', 'image: Expected a picture file')
  return { picture: await bytesOf(file), pathHint: file.name }
}

async function bytesOf(file: File): Promise<Uint8Array> {
  return new Uint8Array(await file.arrayBuffer())
}
