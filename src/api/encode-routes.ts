// Vectors and labels: classification and embedding.
import { createRoute } from '@hono/zod-openapi'
import { needs } from './callers.ts'
import type { Api, ApiContext } from './context.ts'
import { ClassifyRequest, ClassifyResponse, EmbedRequest, EmbedResponse } from './contract.ts'
import { RequestError } from './errors.ts'
import { answers, at, errors, takes } from './route.ts'
import { askingOf, readTerms } from './terms.ts'

const classify = createRoute({
  ...at('classify'),
  summary: 'Which of the labels fits each picture (zero-shot), best first',
  middleware: [needs('read')],
  request: { body: takes(ClassifyRequest) },
  responses: {
    200: answers(ClassifyResponse, 'One list a picture'),
    ...errors(404, 413, 415, 422),
  },
})

const embed = createRoute({
  ...at('embed'),
  summary: 'Unit vectors of texts and pictures',
  middleware: [needs('read')],
  request: { body: takes(EmbedRequest) },
  responses: { 200: answers(EmbedResponse, 'The vectors'), ...errors(404, 413, 415, 422) },
})

/** Captions that one request may ask for: labels times templates. */
const MAX_CAPTIONS = 2000

/** For the types of the client. */
export const encodeRoutes = { classify, embed }

/** Adds the routes of the encoders. */
export function mountEncoding(app: Api, context: ApiContext): void {
  const { lucida } = context

  app.openapi(classify, async (c) => {
    const { images, labels, templates, multiLabel } = c.req.valid('json')
    if (labels.length * (templates?.length ?? 1) > MAX_CAPTIONS) {
      const message = `labels: Expected at most ${MAX_CAPTIONS} captions (labels times templates)`
      throw new RequestError('bad_input', message)
    }
    const pictures = await readTerms(context, images, 'images', askingOf(c))
    const scores = await lucida.label(pictures, {
      labels,
      mode: multiLabel ? 'multi' : 'single',
      ...(templates && { templates }),
    })
    return c.json(scores, 200)
  })

  app.openapi(embed, async (c) => {
    const { texts, images } = c.req.valid('json')
    const terms = texts.map((text) => ({ text }))
    const asking = askingOf(c)
    const [readTexts, readImages] = await Promise.all([
      readTerms(context, terms, 'texts', asking),
      readTerms(context, images, 'images', asking),
    ])
    // In one call, so that all are of one model.
    const { model, vectors } = await lucida.embed([...readTexts, ...readImages])
    const numbers = vectors.map((vector) => [...vector])
    const { name, dimension } = model
    const [ofTexts, ofImages] = [numbers.slice(0, texts.length), numbers.slice(texts.length)]
    return c.json({ model: name, dimension, texts: ofTexts, images: ofImages }, 200)
  })
}
