// Searching by terms, by an uploaded picture and by likeness to an indexed one, and drawing what is
// not found; facets.
import { createRoute } from '@hono/zod-openapi'
import { conceptOf } from '../core/concept-name.ts'
import {
  isAnythingFound,
  type ListAnswer,
  orderIfNotFound,
  type SearchOptions,
  type SearchTerm,
} from '../lucida.ts'
import { assertAllowed, needs } from './callers.ts'
import type { Api, ApiContext, Caller } from './context.ts'
import {
  FacetsResponse,
  FilterQuery,
  ImageForm,
  SearchQuery,
  SearchRequest,
  SearchResponse,
  SimilarQuery,
  type QueryTerm,
} from './contract.ts'
import { RequestError } from './errors.ts'
import { readForm } from './multipart.ts'
import { filterOf, toImage, toSearchResponse } from './present.ts'
import { mention } from './present-generation.ts'
import { answers, at, errors, IdParams, takes } from './route.ts'
import { askingOf, readTerms } from './terms.ts'

const found = answers(SearchResponse, 'Pictures, best first, or newest first')

const search = createRoute({
  ...at('search'),
  summary: 'Search by words, and by pictures by id',
  middleware: [needs('read')],
  request: { query: SearchQuery },
  responses: { 200: found, ...errors(404, 422) },
})

const searchTerms = createRoute({
  ...at('searchTerms'),
  summary: 'Search by a sum of terms; without a term, list by date',
  middleware: [needs('read')],
  request: { body: takes(SearchRequest) },
  responses: { 200: found, ...errors(404, 413, 415, 422) },
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
    const terms: QueryTerm[] = [
      ...text.map(wordTerm),
      ...like.map((id) => ({ id })),
      ...not.map((text) => ({ ...wordTerm(text), weight: -1 })),
      ...unlike.map((id) => ({ id, weight: -1 })),
    ]
    const read = await readTerms(context, terms, 'terms', askingOf(c))
    return c.json(
      await runOrDraw(read, { ...query, filter: filterOf(query) }, c.get('caller')),
      200,
    )
  })

  app.openapi(searchTerms, async (c) => {
    const { terms = [], ...body } = c.req.valid('json')
    const read = await readTerms(context, terms, 'terms', askingOf(c))
    return c.json(await runOrDraw(read, body, c.get('caller')), 200)
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

  /** Searches and, where that is asked for and nothing relevant is there, begins to draw. */
  async function runOrDraw(
    terms: readonly SearchTerm[],
    asked: Asked & { readonly ifNotFound?: 'nothing' | 'generate' },
    { scope }: Caller,
  ): Promise<SearchResponse> {
    const order = asked.ifNotFound === 'generate' ? orderIfNotFound(terms) : null
    const answer = await run(terms, asked)
    const isFirstPage = asked.cursor === undefined && (asked.offset ?? 0) === 0
    const { items: results, relevanceThreshold } = answer
    const isFound = isAnythingFound({ results, relevanceThreshold }, asked.orderBy)
    if (!order || !isFirstPage || isFound) return answer
    assertAllowed(scope, 'write')
    const { generation } = await context.generations.order(order)
    return { ...answer, generation: mention(generation) }
  }

  async function run(terms: readonly SearchTerm[], asked: Asked): Promise<SearchResponse> {
    const options = optionsOf(asked)
    if (terms.length > 0) {
      const answer = asked.withoutQuery
        ? await lucida.similar(terms, options)
        : await lucida.search(terms, options)
      context.metrics.searched(answer.tookMs)
      return toSearchResponse(answer)
    }
    const { orderBy, minScore, debias, balance, ...page } = options
    if (orderBy === 'score' || minScore !== undefined) {
      throw new RequestError('bad_input', 'terms: Expected a term to score pictures by')
    }
    if (debias !== undefined || balance !== undefined) {
      throw new RequestError('bad_input', 'terms: Expected a term to debias or to balance')
    }
    return listing(await lucida.list(page))
  }

  function listing({ results, matching, tookMs, nextCursor, leftOut }: ListAnswer): SearchResponse {
    return {
      items: results.map((picture) => ({
        image: toImage(picture),
        safety: [...(picture.safety ?? [])],
        score: null,
        relevance: null,
      })),
      nextCursor,
      model: lucida.model.name,
      tookMs,
      matching,
      searched: matching,
      relevanceThreshold: lucida.model.relevance?.threshold ?? null,
      adjusted: null,
      leftOut,
      generation: null,
    }
  }
}

/** A text of a query string, which may name a concept. */
function wordTerm(text: string): QueryTerm {
  const concept = conceptOf(text)
  return concept === null ? { text } : { concept }
}

/** What a request may ask for beside the terms. */
type Asked = { readonly [K in keyof SearchOptions]?: SearchOptions[K] | undefined } & {
  readonly withoutQuery?: boolean
}

function optionsOf(asked: Asked): SearchOptions {
  const { limit, offset, cursor, minScore, orderBy, filter, debias, balance } = asked
  const options = { limit, offset, cursor, minScore, orderBy, filter, debias, balance }
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
