// The server that has the data directory open, as a Lucida: what the commands ask of one goes over
// the directory's socket, so that shell and page work at once.
import type { Filter as ApiFilter, PictureSource, Root, SearchItem } from '../api/contract.ts'
import { ApiError, type Client, createClient } from '../client/client.ts'
import { LucidaError } from '../core/errors.ts'
import { placeOf } from '../core/place.ts'
import type {
  AnyTerm,
  Classification,
  IndexEvent,
  Picture,
  RootSummary,
  SearchAnswer,
  SearchOptions,
} from '../lucida.ts'
import type { AnyLucida, ServedLucida } from './program.ts'
import { auditRemotely } from './remote-audit.ts'
import { copyRemotely } from './remote-copy.ts'
import { planRemotely } from './remote-drawing.ts'
import { remoteModels } from './remote-models.ts'
import { toFilter } from './remote-filter.ts'
import { remoteConcepts } from './remote-concepts.ts'
import { lucidaError, toQueryTerm, toTerm, translate, translated } from './remote-terms.ts'
import { socketFetch } from './socket-fetch.ts'

/** Whether a server answers at `socketPath`, as a Lucida; null where a dead one has left its socket. */
export async function openRemote(socketPath: string): Promise<ServedLucida | null> {
  const send = socketFetch(socketPath)
  const client = createClient({ baseUrl: 'http://localhost', fetch: send })
  try {
    await client.livez()
  } catch (error) {
    if (error instanceof ApiError) throw translate(error)
    return null
  }
  return remoteLucida(client, send)
}

function remoteLucida(client: Client, send: typeof fetch): ServedLucida {
  const search = async (
    terms: readonly AnyTerm[],
    options: SearchOptions,
    withoutQuery: boolean,
  ): Promise<SearchAnswer> => {
    const { filter, ...how } = options
    const body = {
      terms: terms.map(toQueryTerm),
      ...how,
      limit: how.limit ?? 10,
      withoutQuery,
      ...(filter && { filter: toFilter(filter) }),
    }
    const { items, ...answer } = await translated(client.searchTerms({ body }))
    return {
      ...answer,
      results: items.map((item) => {
        return { ...toListed(item), score: item.score!, relevance: item.relevance }
      }),
    }
  }

  return {
    search: (terms, options = {}) => search(terms, options, false),
    similar: (terms, options = {}) => search([terms].flat(), options, true),
    async list({ filter, ...how } = {}) {
      const body = { ...how, limit: how.limit ?? 10, ...(filter && { filter: toFilter(filter) }) }
      const answer = await translated(client.searchTerms({ body }))
      const { matching, tookMs, nextCursor, leftOut, items } = answer
      return { matching, tookMs, nextCursor, leftOut, results: items.map(toListed) }
    },
    audit: (options) => auditRemotely(client, options),
    plan: (options) => planRemotely(client, send, options),
    models: remoteModels(client),
    gallery: { find: (id) => translated(client.image({ params: { id } })) },
    facets: (filter = {}) => translated(client.facets({ query: toQuery(toFilter(filter)) })),
    async duplicates(kind, { after, limit, minScore }) {
      const query = { kind, limit, cursor: after, minScore }
      const { items, nextCursor } = await translated(client.duplicates({ query }))
      return {
        groups: items.map(({ kind, images, similarity }) => ({
          kind,
          pictures: images.map((image, i) => ({
            picture: toPicture(image),
            similarity: similarity[i]!,
          })),
        })),
        next: nextCursor,
      }
    },
    async *classify(files, { labels, templates, mode = 'single' }) {
      for (const path of files) {
        const body = {
          images: [{ path: placeOf(path) }] satisfies PictureSource[],
          labels: [...labels],
          multiLabel: mode === 'multi',
          ...(templates && { templates: [...templates] }),
        }
        const [scores] = await translated(client.classify({ body }), path)
        yield { path: placeOf(path), mode, labels: scores! } satisfies Classification
      }
    },
    explain: (picture, terms) =>
      translated(
        client.explain({
          body: { image: toTerm(picture) as PictureSource, terms: terms.map(toQueryTerm) },
        }),
      ),
    safetyScores: async (pictures) => {
      const images = pictures.map((picture) => toTerm(picture) as PictureSource)
      return (await translated(client.safetyScores({ body: { images } }))).scores
    },
    index: (folders, options = {}) => followIndexing(client, folders, options),
    watch() {
      throw new LucidaError(
        'database_busy',
        'A server has the data directory open: start that one with --watch instead (lucida serve --watch)',
      )
    },
    async status() {
      const { roots, repaired, ...rest } = await translated(client.status())
      const from = repaired?.from ? new Date(repaired.from) : null
      return { ...rest, roots: roots.map(toRoot), repaired: repaired && { ...repaired, from } }
    },
    async failures() {
      const all = []
      for (let cursor: string | undefined; ; ) {
        const page = await translated(client.failures({ query: { limit: 1000, cursor } }))
        all.push(...page.items)
        if (page.nextCursor === null) return all
        cursor = page.nextCursor
      }
    },
    remove: async (folder) =>
      (await translated(client.removeRoot({ query: { path: folder } }))).removed,
    concepts: remoteConcepts(client),
    copyDatabase: () => copyRemotely(send),
    keys: {
      async create(options) {
        const { createdAt, ...made } = await translated(client.createKey({ body: options }))
        return { ...made, createdAt: new Date(createdAt) }
      },
      async list() {
        const { items } = await translated(client.keys())
        return items.map((key) => ({ ...key, createdAt: new Date(key.createdAt) }))
      },
      revoke: (id) => translated(client.revokeKey({ params: { id } })),
    },
  }
}

/** Starts a job and tells what it tells; who interrupts it cancels it. */
async function* followIndexing(
  client: Client,
  folders: readonly string[],
  { exclude, prune = false, signal }: Parameters<AnyLucida['index']>[1] & {},
): AsyncGenerator<IndexEvent> {
  const body = { folders: [...folders], prune, ...(exclude && { exclude: [...exclude] }) }
  const { job } = await translated(client.startIndexing({ body }))
  const cancel = () => void client.cancelJob({ params: { id: job.id } }).catch(() => {})
  if (signal?.aborted) cancel()
  signal?.addEventListener('abort', cancel)
  let { state } = job
  try {
    for await (const news of client.followJob(job.id)) {
      if (news.type === 'index') yield news.event
      else if (news.job.error) throw lucidaError(news.job.error)
      else ({ state } = news.job)
    }
  } catch (error) {
    throw translate(error)
  } finally {
    signal?.removeEventListener('abort', cancel)
  }
  if (state !== 'done') {
    const message = 'The server stopped indexing before its end; lucida index goes on with it'
    throw new LucidaError('cancelled', message)
  }
}

function toQuery({ format, near, box, gps, concept, ...same }: ApiFilter) {
  return {
    ...same,
    ...(format && { format: format.join(',') }),
    ...(near && { near: [near.latitude, near.longitude, near.radiusKm] }),
    ...(box && { box: [box.south, box.west, box.north, box.east] }),
    ...(concept && {
      concept: [concept.name, concept.atLeast].filter((part) => part !== undefined).join(':'),
    }),
    ...(gps !== undefined && { gps: gps ? ('true' as const) : ('false' as const) }),
  }
}

function toListed({ image, safety }: SearchItem): Picture {
  return { ...toPicture(image), ...(safety.length > 0 && { safety }) }
}

function toPicture({ thumbHash, ...image }: SearchItem['image']): Picture {
  return { ...image, thumbHash: thumbHash === null ? null : Buffer.from(thumbHash, 'base64') }
}

/** In the order in which `--json` prints it. */
function toRoot({
  path,
  exclude,
  addedAt,
  indexedAt,
  drawn,
  pictures,
  missing,
  failures,
}: Root): RootSummary {
  return {
    path,
    exclude,
    addedAt: new Date(addedAt),
    indexedAt: indexedAt === null ? null : new Date(indexedAt),
    drawn,
    pictures,
    missing,
    failures,
  }
}
