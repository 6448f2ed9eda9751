// Drawing with the requests and answers of OpenAI's image API, so that its clients work here. They wait
// for their pictures; one who goes away ends the drawing.
import { createRoute } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { convertPicture, type GenerateOptions } from '../lucida.ts'
import { needs } from './callers.ts'
import type { Api, ApiContext, ApiEnv } from './context.ts'
import { RequestError } from './errors.ts'
import { readForm } from './multipart.ts'
import {
  OpenAiEditForm,
  OpenAiError,
  OpenAiGenerateRequest,
  OpenAiImages,
  OpenAiVaryForm,
} from './openai-contract.ts'
import { editOrder, generateOrder, varyOrder } from './openai-orders.ts'
import { candidateUrl } from './present-generation.ts'
import { answers, at, errorsIn, takes } from './route.ts'

const drawn = answers(OpenAiImages, 'Pictures, best first')

const openaiGenerate = createRoute({
  ...at('openaiGenerate'),
  summary: 'OpenAI: draw what a text says',
  middleware: [needs('write')],
  request: { body: takes(OpenAiGenerateRequest) },
  responses: { 200: drawn, ...errorsIn(OpenAiError, [413, 415, 422]) },
})

const openaiEdit = createRoute({
  ...at('openaiEdit'),
  summary: 'OpenAI: change a picture, or what a mask frees of it',
  middleware: [needs('write'), readForm],
  request: {
    body: { required: true, content: { 'multipart/form-data': { schema: OpenAiEditForm } } },
  },
  responses: { 200: drawn, ...errorsIn(OpenAiError, [413, 415, 422]) },
})

const openaiVary = createRoute({
  ...at('openaiVary'),
  summary: 'OpenAI: variations of a picture',
  middleware: [needs('write'), readForm],
  request: {
    body: { required: true, content: { 'multipart/form-data': { schema: OpenAiVaryForm } } },
  },
  responses: { 200: drawn, ...errorsIn(OpenAiError, [413, 415, 422]) },
})

/** For the types of the client. */
export const openAiRoutes = { openaiGenerate, openaiEdit, openaiVary }

/** Adds OpenAI's routes. */
export function mountOpenAi(app: Api, context: ApiContext): void {
  app.openapi(openaiGenerate, async (c) => {
    const body = c.req.valid('json')
    return c.json(await draw(c, generateOrder(body), body), 200)
  })

  app.openapi(openaiEdit, async (c) => {
    const form = c.req.valid('form')
    return c.json(await draw(c, await editOrder(form), form), 200)
  })

  app.openapi(openaiVary, async (c) => {
    const form = c.req.valid('form')
    return c.json(await draw(c, await varyOrder(form), form), 200)
  })

  async function draw(
    c: Context<ApiEnv>,
    order: GenerateOptions,
    how: Answering,
  ): Promise<OpenAiImages> {
    const { format, isUrl, quality } = answeringOf(how)
    const { id, candidates } = await context.generations.draw(order, c.req.raw.signal)
    const data = candidates.map(async ({ png }, n) => {
      if (isUrl) return { url: new URL(candidateUrl(id, n), c.req.url).href }
      const bytes = format === 'png' ? png : await convertPicture(png, format, quality)
      return { b64_json: Buffer.from(bytes).toString('base64') }
    })
    return { created: Math.floor(Date.now() / 1000), data: await Promise.all(data) }
  }
}

/** How the pictures are to be answered. */
type Answering = Pick<
  OpenAiGenerateRequest,
  'model' | 'response_format' | 'output_format' | 'output_compression'
>

/** These models' clients expect addresses. */
const URL_MODELS: ReadonlySet<string> = new Set(['dall-e-2', 'dall-e-3'])

function answeringOf({ model, response_format, output_format, output_compression }: Answering) {
  const isUrl = (response_format ?? (URL_MODELS.has(model ?? '') ? 'url' : 'b64_json')) === 'url'
  const format = output_format ?? 'png'
  if (isUrl && format !== 'png') {
    const message =
      'output_format: Expected png, or response_format b64_json: addresses are of PNGs'
    throw new RequestError('bad_input', message)
  }
  return { isUrl, format, quality: output_compression ?? undefined }
}
