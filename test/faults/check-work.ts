// Work: every job has come to an end, and nothing is left over of how it was shared.
import type { Found, Place } from './look.ts'

/** Every job has ended, and those that failed say why; nothing is left to be done, or held. */
export async function checkJobs({ postgres }: Place): Promise<Found> {
  const jobs = await postgres.query<{ id: string; state: string; error: unknown; ended: boolean }>(
    'select id, state, error, ended_at is not null as ended from jobs',
  )
  const violations = jobs.flatMap(({ id, state, error, ended }) => {
    if (state === 'queued' || state === 'running') return [`job ${id} is ${state}`]
    if (!ended) return [`job ${id} has no time of its end`]
    const { code, message } = (error ?? {}) as { code?: string; message?: string }
    return state === 'failed' && !(code && message) ? [`job ${id} failed without a reason`] : []
  })
  const left = await postgres.query<{ what: string }>(
    `select name || ' message ' || id || ' is ' || state as what from pgboss.job
        where name like 'lucida_%' and state in ('created', 'retry', 'active')
      union all select 'a claim on ' || encode(content, 'hex') from claims where until > now()`,
  )
  const reasons = jobs.filter(({ state }) => state === 'failed').map(({ error }) => error)
  return {
    counts: { 'jobs done': jobs.length - reasons.length, 'jobs set aside': reasons.length },
    violations: [...violations, ...left.map(({ what }) => `left: ${what}`)],
  }
}
