// Work that several processes share: rows for those who order it and follow it. Who does it when is
// decided by the queue (src/queues); here stands what was ordered, and how it stands.
import { and, asc, desc, eq, gt, inArray, lt, max, notInArray, sql } from 'drizzle-orm'
import type { Database } from './database.ts'
import { jobEvents, jobs } from './schema.ts'
import { inChunks } from './statements.ts'

/** A row of `jobs`. */
export type StoredJob = typeof jobs.$inferSelect
export type JobKind = StoredJob['kind']
/**
 * A job as one worker began it. Whoever begins it later, since this worker was silent or there were two
 * messages of it, has a higher number, and this worker no longer has a say.
 */
export type Attempt = Pick<StoredJob, 'id' | 'attempts'>

const PENDING = ['queued', 'running'] as const
const ENDED = ['done', 'failed', 'cancelled'] as const

/** Writes down an order. */
export async function insertJob(
  db: Database,
  job: Pick<StoredJob, 'id' | 'kind' | 'order' | 'facts'>,
): Promise<StoredJob> {
  const [row] = await db.insert(jobs).values(job).returning()
  return row!
}

/** `undefined` for one that is not known, or no longer. */
export async function findJob(
  db: Database,
  kind: JobKind,
  id: string,
): Promise<StoredJob | undefined> {
  const [row] = await db
    .select()
    .from(jobs)
    .where(and(eq(jobs.id, id), eq(jobs.kind, kind)))
  return row
}

/** The newest first. */
export async function listJobs(db: Database, kind: JobKind, limit: number): Promise<StoredJob[]> {
  return db
    .select()
    .from(jobs)
    .where(eq(jobs.kind, kind))
    .orderBy(desc(jobs.createdAt), desc(jobs.id))
    .limit(limit)
}

/** How many wait or run. */
export async function countPendingJobs(db: Database, kind: JobKind): Promise<number> {
  return db.$count(jobs, and(eq(jobs.kind, kind), inArray(jobs.state, [...PENDING])))
}

/** Takes a job up, also one that a dead worker has left; `undefined` where it has ended. */
export async function beginJob(
  db: Database,
  id: string,
  worker: string,
): Promise<StoredJob | undefined> {
  const [row] = await db
    .update(jobs)
    .set({
      state: 'running',
      worker,
      attempts: sql`${jobs.attempts} + 1`,
      startedAt: sql`coalesce(${jobs.startedAt}, now())`,
    })
    .where(and(eq(jobs.id, id), inArray(jobs.state, [...PENDING])))
    .returning()
  return row
}

/** Leaves a job to whoever takes it next; `error` says what this attempt failed with. */
export async function requeueJob(
  db: Database,
  { id, attempts }: Attempt,
  error: StoredJob['error'],
): Promise<void> {
  await db
    .update(jobs)
    .set({ state: 'queued', worker: null, error })
    .where(and(eq(jobs.id, id), eq(jobs.state, 'running'), eq(jobs.attempts, attempts)))
}

/** Ends a job, unless it has ended; what it was ordered to do is no longer needed. */
export async function endJob(
  db: Database,
  { id, attempts }: Pick<StoredJob, 'id'> & Partial<Attempt>,
  end: Pick<StoredJob, 'error'> & { readonly state: (typeof ENDED)[number] },
): Promise<StoredJob | undefined> {
  const isMine = attempts === undefined ? undefined : eq(jobs.attempts, attempts)
  const [row] = await db
    .update(jobs)
    .set({ ...end, endedAt: sql`now()`, order: {} })
    .where(and(eq(jobs.id, id), inArray(jobs.state, [...PENDING]), isMine))
    .returning()
  return row
}

/** Asks for the end of a job: one that waits ends at once, one that runs when its worker hears it. */
export async function stopJob(db: Database, kind: JobKind, id: string): Promise<void> {
  await db
    .update(jobs)
    .set({
      stopping: true,
      state: sql`case when ${jobs.state} = 'queued' then 'cancelled' else ${jobs.state} end`,
      endedAt: sql`case when ${jobs.state} = 'queued' then now() else ${jobs.endedAt} end`,
    })
    .where(and(eq(jobs.id, id), eq(jobs.kind, kind), inArray(jobs.state, [...PENDING])))
}

/**
 * Why an attempt should stop: somebody wants the job to end (or it has ended, or is forgotten), or
 * another worker has begun it since.
 */
export async function whyStop(
  db: Database,
  { id, attempts }: Attempt,
): Promise<'unwanted' | 'superseded' | null> {
  const [row] = await db
    .select({ stopping: jobs.stopping, state: jobs.state, attempts: jobs.attempts })
    .from(jobs)
    .where(eq(jobs.id, id))
  if (row !== undefined && row.attempts !== attempts) return 'superseded'
  return row === undefined || row.stopping || row.state !== 'running' ? 'unwanted' : null
}

/** Changes what is known of a job. */
export async function changeFacts(db: Database, id: string, change: object): Promise<void> {
  await db
    .update(jobs)
    .set({ facts: merged(change) })
    .where(eq(jobs.id, id))
}

function merged(change: object) {
  return sql`${jobs.facts} || ${JSON.stringify(change)}::jsonb`
}

/**
 * Adds an event and what has changed with it; of the oldest events, no more than `keep` stay. False,
 * and nothing, where another worker has begun the job since.
 */
export async function tellEvent(
  db: Database,
  { id, attempts }: Attempt,
  told: { readonly number: number; readonly event: unknown; readonly change: object },
  keep: number,
): Promise<boolean> {
  const { number, event, change } = told
  return db.transaction(async (tx) => {
    // First, so that who begins it now waits for the number of this event.
    const mine = await tx
      .update(jobs)
      .set({ facts: merged(change) })
      .where(and(eq(jobs.id, id), eq(jobs.attempts, attempts)))
      .returning({ id: jobs.id })
    if (mine.length === 0) return false
    await tx.insert(jobEvents).values({ job: id, number, event })
    if (number > keep) {
      await tx
        .delete(jobEvents)
        .where(and(eq(jobEvents.job, id), lt(jobEvents.number, number - keep + 1)))
    }
    return true
  })
}

/** Events after number `after`, in order. */
export async function readEvents(
  db: Database,
  id: string,
  after: number,
  limit: number,
): Promise<{ number: number; event: unknown }[]> {
  return db
    .select({ number: jobEvents.number, event: jobEvents.event })
    .from(jobEvents)
    .where(and(eq(jobEvents.job, id), gt(jobEvents.number, after)))
    .orderBy(asc(jobEvents.number))
    .limit(limit)
}

/** Number of the last event; 0 where there is none. */
export async function lastEvent(db: Database, id: string): Promise<number> {
  const [row] = await db
    .select({ number: max(jobEvents.number) })
    .from(jobEvents)
    .where(eq(jobEvents.job, id))
  return row?.number ?? 0
}

/** Forgets some events of a job. */
export async function forgetEvents(
  db: Database,
  id: string,
  numbers: readonly number[],
): Promise<void> {
  await inChunks(numbers, async (some) => {
    await db.delete(jobEvents).where(and(eq(jobEvents.job, id), inArray(jobEvents.number, some)))
  })
}

/** Keeps the newest of the jobs that have ended. */
export async function forgetEnded(db: Database, kind: JobKind, keep: number): Promise<void> {
  const newest = db
    .select({ id: jobs.id })
    .from(jobs)
    .where(and(eq(jobs.kind, kind), inArray(jobs.state, [...ENDED])))
    .orderBy(desc(jobs.createdAt), desc(jobs.id))
    .limit(keep)
  await db
    .delete(jobs)
    .where(and(eq(jobs.kind, kind), inArray(jobs.state, [...ENDED]), notInArray(jobs.id, newest)))
}
