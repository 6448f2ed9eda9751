// The shapes of OpenAI's image API (platform.openai.com/docs/api-reference/images), as far as they mean
// something here. What only chooses among their models is taken and passed over.
import { z } from '@hono/zod-openapi'
import { drawnText, numeral } from './contract.ts'

const MIN_SIDE = 16
const MAX_SIDE = 2048

const size = z
  .string()
  .max(20)
  .refine((text) => text === 'auto' || parseSize(text) !== null, {
    message: `Expected "auto" or width and height from ${MIN_SIDE} to ${MAX_SIDE}, such as 512x512`,
  })
  .nullish()
  .openapi({ description: 'Resampled, where it is not what is drawn', example: '512x512' })

const responseFormat = z.enum(['b64_json', 'url']).nullish().openapi({
  description: 'b64_json when not given, but for the models dall-e-2 and dall-e-3',
})
const outputFormat = z.enum(['png', 'jpeg', 'webp']).nullish()
/** More would be promised than can be held. */
const background = z.enum(['auto', 'opaque']).nullish()
const passedOver = z.string().max(1000).nullish()
const anything = { model: passedOver, quality: passedOver, style: passedOver, user: passedOver }
const MAX_PICTURES = 10
const MAX_SEED = 2 ** 32 - 1

/** Body of `POST /v1/images/generations`. */
export const OpenAiGenerateRequest = z
  .object({
    prompt: drawnText,
    n: z.int().min(1).max(MAX_PICTURES).nullish(),
    size,
    response_format: responseFormat,
    output_format: outputFormat,
    output_compression: z.int().min(0).max(100).nullish(),
    background,
    stream: z.literal(false).nullish().openapi({ description: 'Nothing is streamed here' }),
    seed: z.int().min(0).max(MAX_SEED).nullish().openapi({ description: 'Not of OpenAI' }),
    ...anything,
  })
  .openapi('OpenAiGenerateRequest')

const file = z
  .custom<File>((value) => value instanceof File, 'Expected a picture file')
  .openapi({ type: 'string', format: 'binary' })

const pictureForm = {
  image: file.optional(),
  'image[]': z.array(file).length(1, 'Expected one picture').optional(),
  n: numeral(z.int().min(1).max(MAX_PICTURES)).optional(),
  size,
  response_format: responseFormat,
  output_format: outputFormat,
  output_compression: numeral(z.int().min(0).max(100)).optional(),
  background,
  stream: z.literal('false').optional(),
  seed: numeral(z.int().min(0).max(MAX_SEED)).optional(),
  ...anything,
}

/** Form of `POST /v1/images/edits`. */
export const OpenAiEditForm = z
  .object({
    prompt: drawnText,
    mask: file.optional().openapi({
      description: 'In the shape of the image: what is transparent may change, the rest stays',
    }),
    ...pictureForm,
  })
  .openapi('OpenAiEditForm')

/** Form of `POST /v1/images/variations`. */
export const OpenAiVaryForm = z.object(pictureForm).openapi('OpenAiVaryForm')

/** Pictures, best first. */
export const OpenAiImages = z
  .object({
    created: z.int().openapi({ description: 'Seconds since 1970' }),
    data: z.array(z.object({ b64_json: z.string().optional(), url: z.string().optional() })),
  })
  .openapi('OpenAiImages')

/** Every error of these routes. */
export const OpenAiError = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string(),
    }),
  })
  .openapi('OpenAiError')

/** Null for what is no size, or none that is made. */
export function parseSize(text: string): { width: number; height: number } | null {
  const [, width, height] = (/^(\d{2,4})x(\d{2,4})$/.exec(text) ?? []).map(Number)
  const isSide = (side: number | undefined) => side! >= MIN_SIDE && side! <= MAX_SIDE
  return isSide(width) && isSide(height) ? { width: width!, height: height! } : null
}

export type OpenAiGenerateRequest = z.output<typeof OpenAiGenerateRequest>
export type OpenAiEditForm = z.output<typeof OpenAiEditForm>
export type OpenAiVaryForm = z.output<typeof OpenAiVaryForm>
export type OpenAiImages = z.output<typeof OpenAiImages>
export type OpenAiError = z.output<typeof OpenAiError>
