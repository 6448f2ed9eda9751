// What is being looked for: words, pictures, filters and an order. It is written into the address of
// the page and read from there, so that links, back and forward work; and it becomes a request.
import { type Adjustment, readAdjustment, toFields } from './adjust.ts'
import type { Filter, QueryTerm, SearchRequest, Term } from '../api/contract.ts'
import { parseWords } from './words.ts'

/** A picture in the sum: an indexed one by its id, or one from this browser by `upload-…`. */
export interface PictureTerm {
  readonly key: string
  readonly weight: number
}

/** What can be filtered by, as written in the address. */
export const FILTERS = [
  'year',
  'camera',
  'folder',
  'format',
  'orientation',
  'gps',
  'generated',
] as const
export type FilterName = (typeof FILTERS)[number]
export type Filters = Readonly<Partial<Record<FilterName, string>>>

/** A question. */
export interface Query {
  readonly words: string
  readonly pictures: readonly PictureTerm[]
  readonly filters: Filters
  readonly order: 'score' | 'takenAt'
  /** An attribute of people that is to count for less. */
  readonly adjustment?: Adjustment | undefined
}

/** A question, and the picture that is shown large. */
export interface Place {
  readonly query: Query
  readonly view: string | null
}

export const EMPTY: Query = { words: '', pictures: [], filters: {}, order: 'score' }

/** Pictures of one page. */
export const PAGE = 40

export const isUpload = (key: string): boolean => key.startsWith('upload-')

/** What is typed as terms: `concept:NAME` is a concept that was taught, all else words. */
export function termsOf(words: string): QueryTerm[] {
  return parseWords(words).map(({ text, weight }) => {
    const [, concept] = /^concept:\s*(.+)$/.exec(text) ?? []
    return concept === undefined ? { text, weight } : { concept, weight }
  })
}

/** By date only where relevance can say what belongs to the answer. */
export function canOrderByDate({ words, pictures }: Query): boolean {
  const terms = termsOf(words)
  return pictures.length === 0 && terms.length > 0 && terms.every((term) => 'text' in term)
}

/** Whether nothing is looked for: pictures are listed, newest first. */
export function isListing({ words, pictures }: Query): boolean {
  return pictures.length === 0 && parseWords(words).length === 0
}

/** The query string of an address. Pictures of this browser are not part of it. */
export function writePlace({ query, view }: Place): string {
  const search = new URLSearchParams()
  if (query.words.trim() !== '') search.set('q', query.words.trim())
  for (const { key, weight } of query.pictures) {
    if (isUpload(key)) continue
    const size = Math.abs(weight)
    search.append(weight > 0 ? 'like' : 'unlike', size === 1 ? key : `${size}:${key}`)
  }
  for (const name of FILTERS) {
    const value = query.filters[name]
    if (value !== undefined) search.set(name, value)
  }
  if (query.order === 'takenAt') search.set('order', 'date')
  if (query.adjustment !== undefined) search.set('adjust', query.adjustment)
  if (view !== null) search.set('view', view)
  return search.size > 0 ? `?${search}` : ''
}

/** What an address asks for; `uploads` are the pictures of this browser that belong to it. */
export function readPlace(text: string, uploads: readonly PictureTerm[] = []): Place {
  const search = new URLSearchParams(text)
  const pictures = (name: string, sign: 1 | -1) =>
    search.getAll(name).flatMap((value) => {
      const [, size = '1', key] = /^(?:(\d+(?:\.\d+)?):)?([0-9a-f]{64})$/.exec(value) ?? []
      const isTerm = key !== undefined && Number(size) > 0 && Number(size) <= 100
      return isTerm ? [{ key, weight: sign * Number(size) }] : []
    })
  const filters = FILTERS.flatMap((name) => {
    const value = search.get(name)
    return value ? [[name, value] as const] : []
  })
  const view = search.get('view')
  return {
    query: {
      words: search.get('q') ?? '',
      pictures: [...uploads, ...pictures('like', 1), ...pictures('unlike', -1)],
      filters: Object.fromEntries(filters),
      order: search.get('order') === 'date' ? 'takenAt' : 'score',
      ...readAdjustment(search.get('adjust')),
    },
    view: view !== null && /^[0-9a-f]{64}$/.test(view) ? view : null,
  }
}

/** The request for its first page; `readUpload` gives a picture of this browser in base64. */
export function toRequest(
  query: Query,
  readUpload: (key: string) => string | undefined,
): SearchRequest {
  const terms: SearchRequest['terms'] = [
    ...termsOf(query.words),
    ...query.pictures.flatMap(({ key, weight }): Term[] => {
      if (!isUpload(key)) return [{ id: key, weight }]
      const image = readUpload(key)
      return image === undefined ? [] : [{ image, weight }]
    }),
  ]
  const isByDate = query.order === 'takenAt' && canOrderByDate(query)
  return {
    terms,
    limit: PAGE,
    filter: toFilter(query.filters),
    // Whoever drops a picture may look for that very one.
    ...(query.pictures.some(({ key }) => !isUpload(key)) && { withoutQuery: true }),
    ...(isByDate && { orderBy: 'takenAt' }),
    ...(!isByDate && terms.length > 0 && toFields(query.adjustment)),
  }
}

/** Whether filters leave pictures out. */
export function isNarrowed({ generated, ...others }: Filters): boolean {
  return Object.keys(others).length > 0 || (generated !== undefined && generated !== 'any')
}

/** Filters as the server takes them. */
export function toFilter(filters: Filters): Filter {
  const { year, camera, folder, format, orientation, gps, generated } = filters
  return {
    ...(year && { after: year, before: String(Number(year) + 1).padStart(4, '0') }),
    ...(camera && { camera }),
    ...(folder && { folder }),
    ...(format && { format: [format] }),
    ...(isOrientation(orientation) && { orientation }),
    ...(gps && { gps: gps === 'true' }),
    ...(isGenerated(generated) && { generated }),
  }
}

function isOrientation(value: string | undefined): value is NonNullable<Filter['orientation']> {
  return value === 'landscape' || value === 'portrait' || value === 'square'
}

function isGenerated(value: string | undefined): value is NonNullable<Filter['generated']> {
  return value === 'any' || value === 'only' || value === 'none'
}
