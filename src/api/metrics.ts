// Metrics for Prometheus: how long requests, runs of the encoders, searches, indexing and drawing take,
// how large the index is and how much waits.
import type { MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Lucida } from '../lucida.ts'
import type { ApiEnv } from './context.ts'
import type { Generations } from './generations.ts'
import type { Jobs } from './jobs.ts'
import type { Load } from './limits.ts'
import type { Life } from '../queues/work-queue.ts'

/** The metrics of one server. */
export interface Metrics {
  readonly measure: MiddlewareHandler<ApiEnv>
  /** Of a search, from its terms to its pictures. */
  searched(ms: number): void
  render(): Promise<{ type: string; text: string }>
}

/** Seconds; from a cached answer to a batch job. */
const SHORT = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]
const LONG = [1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400]

/** Begins to measure. */
export function openMetrics(
  lucida: Pick<Lucida, 'observe' | 'indexSize'>,
  {
    jobs,
    generations,
    load,
  }: { readonly jobs: Jobs; readonly generations: Generations; readonly load: Load },
): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requests = new Histogram({
    name: 'lucida_request_seconds',
    help: 'Requests by route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: SHORT,
    registers,
  })
  const encodes = new Histogram({
    name: 'lucida_encode_seconds',
    help: 'Runs of an encoder, each of one or more texts or pictures',
    labelNames: ['tower'],
    buckets: SHORT,
    registers,
  })
  const searches = new Histogram({
    name: 'lucida_search_seconds',
    help: 'Searches, from terms to pictures',
    buckets: SHORT,
    registers,
  })
  const runs = new Histogram({
    name: 'lucida_index_seconds',
    help: 'Indexing jobs by how they ended',
    labelNames: ['state'],
    buckets: LONG,
    registers,
  })
  const drawings = new Histogram({
    name: 'lucida_draw_seconds',
    help: 'Orders to draw by how they ended',
    labelNames: ['state'],
    buckets: LONG,
    registers,
  })
  const gauge = (name: string, help: string, read: () => number | Promise<number>) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await read())
      },
    })
  gauge('lucida_index_pictures', 'Pictures that a search looks through', lucida.indexSize)
  gauge('lucida_requests_in_flight', 'Requests under way', () => load.requests)
  gauge('lucida_jobs_pending', 'Indexing jobs that wait or run', jobs.countPending)
  gauge('lucida_draw_pending', 'Orders to draw that wait or run', () => generations.countPending())

  lucida.observe(({ tower, ms }) => encodes.observe({ tower }, ms / 1000))
  const observe =
    (histogram: Histogram<'state'>) =>
    ({ state, startedAt, endedAt }: Life) => {
      if (startedAt === null || endedAt === null) return
      histogram.observe({ state }, (Date.parse(endedAt) - Date.parse(startedAt)) / 1000)
    }
  jobs.onEnd(observe(runs))
  generations.onEnd(observe(drawings))

  return {
    async measure(c, next) {
      const stop = requests.startTimer()
      await next()
      // The pattern, never the path: its values would be without number.
      stop({ method: c.req.method, route: routePath(c, -1), status: c.res.status })
    },
    searched: (ms) => searches.observe(ms / 1000),
    render: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  }
}
