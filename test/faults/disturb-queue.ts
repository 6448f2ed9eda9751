// What a queue of messages may do that promises each at least once, in no order: messages come twice,
// come again after they were done, or overtake one another.
import type { Event } from './schedule.ts'
import type { KillablePostgres } from './postgres.ts'

const OURS = `name like 'lucida_%'`

/** Columns that make a message of another. */
const COPIED =
  'name, priority, data, retry_limit, retry_delay, retry_backoff, expire_in, dead_letter'

const STATEMENTS = {
  /** Half of those that wait, are under way or were done lately, once more. */
  duplicate: `insert into pgboss.job (${COPIED}, keep_until)
    select ${COPIED}, now() + interval '1 day' from pgboss.job
      where ${OURS} and name <> 'lucida_aside' and hashtext(id::text || $1) % 2 = 0
      order by created_on desc limit 40`,
  /** Half of those that are done. */
  repeat: `update pgboss.job set state = 'retry', completed_on = null, start_after = now()
    where ${OURS} and state = 'completed' and hashtext(id::text || $1) % 2 = 0`,
  reorder: `update pgboss.job set priority = hashtext(id::text || $1) % 10
    where ${OURS} and state in ('created', 'retry')`,
}

/** Does that to the messages of now. */
export async function disturbQueue(
  postgres: KillablePostgres,
  how: keyof typeof STATEMENTS,
  { which }: Event,
): Promise<void> {
  const [made] = await postgres.query<{ table: string | null }>(
    `select to_regclass('pgboss.job')::text as table`,
  )
  // Nothing was sent yet.
  if (made!.table !== null) await postgres.query(STATEMENTS[how], [String(which)])
}
