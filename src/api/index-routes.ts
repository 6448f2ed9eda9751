// Indexed folders, indexing jobs and how they go, what could not be indexed, and the status.
import { createRoute, z } from '@hono/zod-openapi'
import type { Failure } from '../lucida.ts'
import { needs } from './callers.ts'
import type { Api, ApiContext } from './context.ts'
import {
  AddRootRequest,
  FailuresResponse,
  IndexRequest,
  JobResponse,
  JobsResponse,
  PageQuery,
  RootQuery,
  RootsResponse,
  StatusResponse,
} from './contract.ts'
import { toRoot } from './present.ts'
import { assertAddable, assertIndexed } from './root-policy.ts'
import { answers, at, errors, takes } from './route.ts'
import { streamEvents } from './stream-events.ts'

const status = createRoute({
  ...at('status'),
  summary: 'What is indexed, and with what',
  middleware: [needs('read')],
  responses: { 200: answers(StatusResponse, 'The status'), ...errors() },
})

const roots = createRoute({
  ...at('roots'),
  summary: 'The indexed folders',
  middleware: [needs('read')],
  responses: { 200: answers(RootsResponse, 'Folders, by path'), ...errors() },
})

const addRoot = createRoute({
  ...at('addRoot'),
  summary: 'Add a folder and index it; it must lie within LUCIDA_ALLOWED_ROOTS',
  middleware: [needs('admin')],
  request: { body: takes(AddRootRequest) },
  responses: { 202: answers(JobResponse, 'The job that indexes it'), ...errors(404, 415) },
})

const removeRoot = createRoute({
  ...at('removeRoot'),
  summary: 'Forget an indexed folder; its files stay',
  middleware: [needs('admin')],
  request: { query: RootQuery },
  responses: {
    200: answers(z.object({ removed: z.int() }), 'How many files were forgotten'),
    ...errors(404),
  },
})

const startIndexing = createRoute({
  ...at('startIndexing'),
  summary: 'Bring indexed folders up to date',
  middleware: [needs('write')],
  request: { body: takes(IndexRequest) },
  responses: { 202: answers(JobResponse, 'The job'), ...errors(404, 415) },
})

const jobs = createRoute({
  ...at('jobs'),
  summary: 'Indexing jobs, newest first',
  middleware: [needs('read')],
  responses: {
    200: answers(
      JobsResponse,
      'Jobs of this run of the server; on a database server, of all that share it',
    ),
    ...errors(),
  },
})

const JobParams = z.object({ id: z.string().regex(/^[\w-]{1,64}$/, 'Expected an id') })

const job = createRoute({
  ...at('job'),
  summary: 'How an indexing job goes',
  middleware: [needs('read')],
  request: { params: JobParams },
  responses: { 200: answers(JobResponse, 'The job'), ...errors(404) },
})

const cancelJob = createRoute({
  ...at('cancelJob'),
  summary: 'Cancel a job; what it has done is kept',
  middleware: [needs('write')],
  request: { params: JobParams },
  responses: { 202: answers(JobResponse, 'The job'), ...errors(404) },
})

const jobEvents = createRoute({
  ...at('jobEvents'),
  summary: 'Follow a job: server-sent events `index` (what happens) and `job` (how it stands)',
  middleware: [needs('read')],
  request: { params: JobParams },
  responses: {
    200: {
      description: 'Ends with the job; Last-Event-ID goes on where a connection broke',
      content: { 'text/event-stream': { schema: z.string() } },
    },
    ...errors(404),
  },
})

const failures = createRoute({
  ...at('failures'),
  summary: 'Files that could not be indexed, by path',
  middleware: [needs('read')],
  request: { query: PageQuery },
  responses: { 200: answers(FailuresResponse, 'Failures'), ...errors() },
})

/** For the types of the client. */
export const indexRoutes = {
  status,
  roots,
  addRoot,
  removeRoot,
  startIndexing,
  jobs,
  job,
  cancelJob,
  jobEvents,
  failures,
}

/** Adds the routes that manage the collection. */
export function mountIndexing(app: Api, context: ApiContext): void {
  const { lucida } = context

  app.openapi(status, async (c) => {
    const { roots, repaired, ...rest } = await lucida.status()
    const repair = repaired && { ...repaired, from: repaired.from?.toISOString() ?? null }
    return c.json({ ...rest, roots: roots.map(toRoot), repaired: repair }, 200)
  })

  app.openapi(roots, async (c) => {
    const roots = await lucida.roots()
    return c.json({ items: roots.map(toRoot), allowed: [...context.allowedRoots] }, 200)
  })

  app.openapi(addRoot, async (c) => {
    const { path, exclude } = c.req.valid('json')
    const folder = await assertAddable(context, c.get('caller'), path)
    return c.json({ job: await context.jobs.start({ folders: [folder], exclude }) }, 202)
  })

  app.openapi(removeRoot, async (c) => {
    return c.json({ removed: await lucida.remove(c.req.valid('query').path) }, 200)
  })

  app.openapi(startIndexing, async (c) => {
    const { folders, ...how } = c.req.valid('json')
    const located = await assertIndexed(context, c.get('caller'), folders)
    return c.json({ job: await context.jobs.start({ folders: located, ...how }) }, 202)
  })

  app.openapi(jobs, async (c) => c.json({ items: await context.jobs.list() }, 200))
  app.openapi(job, async (c) => {
    return c.json({ job: await context.jobs.get(c.req.valid('param').id) }, 200)
  })
  app.openapi(cancelJob, async (c) => {
    return c.json({ job: await context.jobs.cancel(c.req.valid('param').id) }, 202)
  })

  app.openapi(jobEvents, async (c) => {
    const { id } = c.req.valid('param')
    await context.jobs.get(id)
    return streamEvents(c, {
      standing: ['job', () => context.jobs.get(id)],
      events: (after, signal) => context.jobs.events(id, after, signal),
      nameOf: () => 'index',
      isMilestone: () => true,
      closing: context.closing,
    })
  })

  app.openapi(failures, async (c) => {
    const { limit, cursor } = c.req.valid('query')
    const all = await lucida.failures()
    const after = cursor === undefined ? null : Buffer.from(cursor, 'base64url')
    // By bytes, as the database has them in order; by UTF-16 a page might lead back.
    const isNext = ({ path }: Failure) => Buffer.compare(Buffer.from(path), after!) > 0
    const start = after === null ? 0 : all.findIndex(isNext)
    const items = start < 0 ? [] : all.slice(start, start + limit)
    const more = start >= 0 && start + limit < all.length
    const last = items.at(-1)
    const nextCursor = more && last ? Buffer.from(last.path).toString('base64url') : null
    return c.json({ items, nextCursor }, 200)
  })
}
