// The requests and answers of clip-retrieval's back end (clip_retrieval/clip_back.py), so that its
// clients work here. Ids are content hashes; what it filters or removes as duplicates is not.
import { createRoute } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { LucidaError } from '../core/errors.ts'
import type { Picture } from '../lucida.ts'
import { needs } from './callers.ts'
import type { Api, ApiContext, ApiEnv } from './context.ts'
import {
  IndicesResponse,
  KnnRequest,
  KnnResponse,
  MetadataRequest,
  MetadataResponse,
  type Term,
} from './contract.ts'
import { RequestError } from './errors.ts'
import { answers, at, errors, takes } from './route.ts'
import { askingOf, readTerms } from './terms.ts'

const knnService = createRoute({
  ...at('knnService'),
  summary: 'clip-retrieval: nearest pictures to a text, a picture or a vector',
  middleware: [needs('read')],
  request: { body: takes(KnnRequest) },
  responses: { 200: answers(KnnResponse, 'Best first'), ...errors(404, 413, 415, 422) },
})

const metadata = createRoute({
  ...at('metadata'),
  summary: 'clip-retrieval: what is known about pictures',
  middleware: [needs('read')],
  request: { body: takes(MetadataRequest) },
  responses: { 200: answers(MetadataResponse, 'In the order of the ids'), ...errors(404, 415) },
})

const indicesList = createRoute({
  ...at('indicesList'),
  summary: 'clip-retrieval: the names of the indices, here the model',
  middleware: [needs('read')],
  responses: { 200: answers(IndicesResponse, 'Names'), ...errors() },
})

/** For the types of the client. */
export const clipRetrievalRoutes = { knnService, metadata, indicesList }

/** The most that one search finds. */
const MAX_RESULTS = 1000

/** Adds clip-retrieval's routes. */
export function mountClipRetrieval(app: Api, context: ApiContext): void {
  const { lucida } = context

  app.openapi(knnService, async (c) => {
    const body = c.req.valid('json')
    checkIndex(body.indice_name)
    if (body.modality && body.modality !== 'image') {
      throw new RequestError('bad_input', 'modality: Only "image" is indexed')
    }
    const [term] = await readTerms(context, [termOf(body)], 'terms', askingOf(c))
    const limit = Math.min(body.num_result_ids ?? body.num_images, MAX_RESULTS)
    const { results } = await lucida.search([term!], { limit })
    const found = results.map(({ score, ...picture }, i) => ({
      ...(i < body.num_images && describe(c, picture)),
      id: picture.id,
      similarity: score,
    }))
    return c.json(found, 200)
  })

  app.openapi(metadata, async (c) => {
    const { ids, indice_name } = c.req.valid('json')
    checkIndex(indice_name)
    const found = await lucida.gallery.findSome(ids)
    const all = ids.map((id) => {
      const picture = found.get(id)
      if (!picture) throw new LucidaError('not_found', `No indexed picture has the id ${id}`)
      return { id, metadata: describe(c, picture) }
    })
    return c.json(all, 200)
  })

  app.openapi(indicesList, (c) => c.json([lucida.model.name], 200))

  function checkIndex(name: string | null | undefined): void {
    if (!name || name === lucida.model.name) return
    const message = `indice_name: There is no index ${name}, only ${lucida.model.name}`
    throw new LucidaError('not_found', message)
  }
}

/** In the order in which clip-retrieval looks at them. */
function termOf(body: ReturnType<typeof KnnRequest.parse>): Term {
  if (body.text) return { text: body.text }
  if (body.image) return { image: body.image }
  if (body.image_url) return { url: body.image_url }
  if (body.embedding_input) return { vector: body.embedding_input }
  throw new RequestError('bad_input', 'text: Expected text, image, image_url or embedding_input')
}

function describe(c: Context<ApiEnv>, { id, path, width, height }: Picture) {
  const url = new URL(`/v1/images/${id}/thumbnail?size=640`, c.req.url).href
  return { image_path: path, url, width, height }
}
