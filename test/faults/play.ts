// Plays a schedule to its end, lets everything get well, and looks at what is left.
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkAll } from './check.ts'
import { checkAcknowledged } from './check-pictures.ts'
import { whyNoClocks } from './clock.ts'
import { disturbQueue } from './disturb-queue.ts'
import type { Event, Kind } from './schedule.ts'
import type { World } from './world.ts'

/** What came of a run. */
export interface Outcome {
  /** Events that took place, by kind. */
  readonly events: Readonly<Record<string, number>>
  /** What was looked at in the end, and how many of it there were. */
  readonly checked: Readonly<Record<string, number>>
  readonly violations: readonly string[]
  readonly seconds: number
}

const QUERIES = ['soft colours', 'a red blob', 'something blue', 'green and dark', 'sky']
const SEARCH_EVERY_MS = 250
/** Of jobs and messages that were under way, and of one more run over everything. */
const SETTLE_MS = 240_000
const LOOK_MS = 250
/** Faults that last, last so long at most. */
const LASTING_MS = 4000
const MOST_ADDED = 12
const MOST_CHANGED = 4
const KILLED_WHILE_STARTING = 0.3
/** Hours that a process's clock is off. */
const JUMPS = [2, -1, 24, 0]

/** Plays it in `world`. */
export async function playFaults(world: World, schedule: readonly Event[]): Promise<Outcome> {
  const startedAt = performance.now()
  const { album, clients, members } = world
  const counts: Record<string, number> = {}
  const violations: string[] = []
  const underWay: Promise<unknown>[] = []
  const settling = new AbortController()
  setMaxListeners(0, settling.signal)
  const background = (work: Promise<unknown>) => {
    underWay.push(work.catch((error: unknown) => violations.push(`the harness: ${String(error)}`)))
  }
  /** Orders indexing; what was there before is acknowledged when the job is done. */
  const order = async (ordering: () => Promise<string | null>, signal = settling.signal) => {
    const acknowledge = album.beforeOrder()
    const id = await ordering()
    if (id === null) return null
    const job = await clients.follow(id, signal)
    if (job?.state === 'done') acknowledge(new Set(job.failures.map(({ path }) => path)))
    count(`jobs ${job ? job.state : 'not seen to end'}`)
    if (job === null) violations.push(`job ${id} does not end`)
    return job
  }
  const count = (what: string) => (counts[what] = (counts[what] ?? 0) + 1)

  let isOver = false
  const searching = (async () => {
    for (let i = 0; !isOver; i++) {
      await clients.search(QUERIES[i % QUERIES.length]!, 20)
      await sleep(SEARCH_EVERY_MS)
    }
  })()

  background(order(() => clients.addRoot(album.folder)))
  const faults = openFaults(world, background)
  for (const event of schedule) {
    if ((await faults[event.kind](event, order)) !== 'not here') count(event.kind)
    await sleep(event.pauseMs)
  }

  // Everything is well again: what was begun comes to an end.
  await faults.end()
  await Promise.all(members.map((member) => member.ready()))
  const late = setTimeout(() => settling.abort(), SETTLE_MS)
  await Promise.all(underWay)
  clearTimeout(late)
  isOver = true
  await searching
  for (const member of members) await member.stop()
  for (const member of members) member.start()
  await Promise.all(members.map((member) => member.ready()))
  violations.push(...(await untilQuiet(world)))

  const acknowledged = await checkAcknowledged(world)
  violations.push(...acknowledged.violations)
  const last = await order(
    () => clients.order({ folders: [], prune: true }),
    AbortSignal.timeout(SETTLE_MS),
  )
  if (last?.state !== 'done' || last.failures.length > 0) {
    violations.push(`the last run over everything: ${JSON.stringify(last)}`)
  }
  const all = await checkAll(world)
  violations.push(...all.violations, ...clients.tally.violations, ...world.watch.violations)
  return {
    events: counts,
    checked: { ...acknowledged.counts, ...all.counts },
    violations,
    seconds: (performance.now() - startedAt) / 1000,
  }
}

type Order = (ordering: () => Promise<string | null>) => Promise<unknown>

/** What each kind of event does. Returns when it has begun, or where it takes no time, when it is done. */
function openFaults(
  world: World,
  background: (work: Promise<unknown>) => void,
): Record<Kind, (event: Event, order: Order) => unknown> & { end(): Promise<void> } {
  const { album, clients, disk, members, network, postgres, server, workers } = world
  const pick = <T>(from: readonly T[], at: number): T => from[Math.floor(at * from.length)]!
  const lastingMs = ({ how }: Event) => 500 + how * LASTING_MS
  let hoursAhead = 0
  /** One after another: it has to be there to be killed. */
  let reviving: Promise<unknown> = Promise.resolve()
  const disturb = (how: 'duplicate' | 'repeat' | 'reorder') => (event: Event) =>
    background(disturbQueue(postgres, how, event))
  const setDisks = (state: 'fine' | 'slow' | 'full') => {
    for (const member of members) member.setDisk(state)
  }

  return {
    add: ({ how, which }) => album.add(1 + Math.floor(how * MOST_ADDED), which),
    move: ({ how, which }) => album.move(1 + Math.floor(how * MOST_CHANGED), which),
    replace: ({ how, which }) => album.replace(1 + Math.floor(how * MOST_CHANGED), which),
    delete: ({ how, which }) => album.delete(1 + Math.floor(how * MOST_CHANGED), which),
    async upload({ which }) {
      const picture = await album.take(which)
      background(clients.upload(picture))
    },
    index({ how }, order) {
      const prune = how < 0.3
      background(order(() => clients.order({ folders: [album.folder], ...(prune && { prune }) })))
    },
    'kill worker': ({ which, how }) => kill(pick(workers, which), how),
    'kill server': ({ how }) => kill(server, how),
    async 'kill postgres'() {
      await reviving
      reviving = postgres.killAndStart()
      background(reviving)
    },
    'drop connections': () =>
      background(
        postgres.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
            where backend_type = 'client backend' and pid <> pg_backend_pid()`,
        ),
      ),
    'cut network': (event) => background(network.cut(lastingMs(event))),
    async 'full disk'(event) {
      if (disk.whyNot === null) await disk.fill()
      else setDisks('full')
      background(
        sleep(lastingMs(event)).then(async () => {
          if (disk.whyNot === null) await disk.free()
          else setDisks('fine')
        }),
      )
    },
    'slow disk'(event) {
      setDisks('slow')
      background(sleep(lastingMs(event)).then(() => setDisks('fine')))
    },
    async 'clock jump'({ which, how }) {
      if (whyNoClocks !== null) return 'not here'
      const whose = pick([...members, postgres], which)
      // That of the database forwards only: what it has written for a later time would wait for it.
      await whose.clock.set(whose === postgres ? ++hoursAhead : pick(JUMPS, how))
      return undefined
    },
    'duplicate jobs': disturb('duplicate'),
    'repeat jobs': disturb('repeat'),
    'reorder jobs': disturb('reorder'),
    async end() {
      await disk.free()
      setDisks('fine')
      for (const { clock } of members) await clock.set(0)
      await reviving
    },
  }
}

/** Mostly one that works, sometimes one that is just starting. */
async function kill(member: World['server'], how: number): Promise<void> {
  if (how > KILLED_WHILE_STARTING) await member.ready()
  while (!member.kill()) await sleep(20)
}

/** Waits until no job and no message is left to be done; says which are where that never happens. */
async function untilQuiet({ postgres }: World): Promise<string[]> {
  const deadline = performance.now() + SETTLE_MS
  for (;;) {
    const left = await postgres.query<{ what: string }>(
      `select kind || ' job ' || id || ' is ' || state as what from jobs
          where state in ('queued', 'running')
        union all select name || ' message is ' || state || ' ' || left(data::text, 100) from pgboss.job
          where name like 'lucida_%' and state in ('created', 'retry', 'active')
        union all select 'a claim is held' from claims where until > now()`,
    )
    if (left.length === 0) return []
    if (performance.now() > deadline) return left.map(({ what }) => `for ever: ${what}`)
    await sleep(LOOK_MS)
  }
}
