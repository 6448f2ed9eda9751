// Searching by terms, by an uploaded picture and by likeness to an indexed one; facets.
import { createRoute } from '@hono/zod-openapi'
import type { ListAnswer, SearchOptions, SearchTerm } from '../lucida.ts'
import { needs } from './callers.ts'
import type { Api, ApiContext } from './context.ts'
import {
  FacetsResponse,
  FilterQuery,
  ImageForm,
  SearchQuery,
  SearchRequest,
  SearchResponse,
  SimilarQuery,
  type Term,
} from './contract.ts'
import { RequestError } from './errors.ts'
import { readForm } from './multipart.ts'
import { filterOf, toImage, toSearchResponse } from './present.ts'
import { answers, at, errors, IdParams, takes } from './route.ts'
import { askingOf, readTerms } from './terms.ts'

const found = answers(SearchResponse, 'Pictures, best first, or newest first')

const search = createRoute({
  ...at('search'),
  summary: 'Search by words, and by pictures by id',
  middleware: [needs('read')],
  request: { query: SearchQuery },
  responses: { 200: found, ...errors(404, 501) },
})

const searchTerms = createRoute({
  ...at('searchTerms'),
  summary: 'Search by a sum of terms; without a term, list by date',
  middleware: [needs('read')],
  request: { body: takes(SearchRequest) },
  responses: { 200: found, ...errors(404, 413, 415, 422, 501) },
})

const searchImage = createRoute({
  ...at('searchImage'),
  summary: 'Search by an uploaded picture',
  middleware: [needs('read'), readForm],
  request: {
    body: { required: true, content: { 'multipart/form-data': { schema: ImageForm } } },
  },
  responses: { 200: found, ...errors(413, 415, 422) },
})

const similar = createRoute({
  ...at('similar'),
  summary: 'Pictures like this one, which itself is left out',
  middleware: [needs('read')],
  request: { params: IdParams, query: SimilarQuery },
  responses: { 200: found, ...errors(404) },
})

const facets = createRoute({
  ...at('facets'),
  summary: 'How many pictures there are of each kind',
  middleware: [needs('read')],
  request: { query: FilterQuery },
  responses: { 200: answers(FacetsResponse, 'Counts of distinct pictures'), ...errors(404) },
})

/** For the types of the client. */
export const searchRoutes = { search, searchTerms, searchImage, similar, facets }

/** Adds the routes that find pictures. */
export function mountSearch(app: Api, context: ApiContext): void {
  const { lucida } = context

  app.openapi(search, async (c) => {
    const { text = [], not = [], like = [], unlike = [], ...query } = c.req.valid('query')
    const terms: Term[] = [
      ...text.map((text) => ({ text })),
      ...like.map((id) => ({ id })),
      ...not.map((text) => ({ text, weight: -1 })),
      ...unlike.map((id) => ({ id, weight: -1 })),
    ]
    refuseGeneration(query.ifNotFound)
    const read = await readTerms(context, terms, 'terms', askingOf(c))
    return c.json(await run(read, { ...query, filter: filterOf(query) }), 200)
  })

  app.openapi(searchTerms, async (c) => {
    const { terms = [], ...body } = c.req.valid('json')
    refuseGeneration(body.ifNotFound)
    return c.json(await run(await readTerms(context, terms, 'terms', askingOf(c)), body), 200)
  })

  app.openapi(searchImage, async (c) => {
    const { image, text = [], ...options } = c.req.valid('form')
    const picture = new Uint8Array(await image.arrayBuffer())
    const terms: SearchTerm[] = [
      { picture, pathHint: image.name },
      ...text.map((text) => ({ text })),
    ]
    return c.json(await run(terms, options), 200)
  })

  app.openapi(similar, async (c) => {
    const { id } = c.req.valid('param')
    const query = c.req.valid('query')
    const asked = { ...query, filter: filterOf(query), withoutQuery: true }
    return c.json(await run([{ id }], asked), 200)
  })

  app.openapi(facets, async (c) => {
    const found = await lucida.facets(filterOf(c.req.valid('query')))
    return c.json(structuredClone(found) as FacetsResponse, 200)
  })

  async function run(terms: readonly SearchTerm[], asked: Asked): Promise<SearchResponse> {
    const options = optionsOf(asked)
    if (terms.length > 0) {
      const answer = asked.withoutQuery
        ? await lucida.similar(terms, options)
        : await lucida.search(terms, options)
      context.metrics.searched(answer.tookMs)
      return toSearchResponse(answer)
    }
    const { orderBy, minScore, ...page } = options
    if (orderBy === 'score' || minScore !== undefined) {
      throw new RequestError('bad_input', 'terms: Expected a term to score pictures by')
    }
    return listing(await lucida.list(page))
  }

  function listing({ results, matching, tookMs, nextCursor }: ListAnswer): SearchResponse {
    return {
      items: results.map((picture) => ({ image: toImage(picture), score: null, relevance: null })),
      nextCursor,
      model: lucida.model.name,
      tookMs,
      matching,
      searched: matching,
      relevanceThreshold: lucida.model.relevance?.threshold ?? null,
      generation: null,
    }
  }
}

/** What a request may ask for beside the terms. */
type Asked = { readonly [K in keyof SearchOptions]?: SearchOptions[K] | undefined } & {
  readonly withoutQuery?: boolean
}

function optionsOf({ limit, offset, cursor, minScore, orderBy, filter }: Asked): SearchOptions {
  const options = { limit, offset, cursor, minScore, orderBy, filter }
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

function refuseGeneration(ifNotFound: 'nothing' | 'generate' | undefined): void {
  if (ifNotFound !== 'generate') return
  throw new RequestError(
    'not_implemented',
    'ifNotFound: This version cannot draw a picture that is not found; ask with "nothing"',
  )
}
