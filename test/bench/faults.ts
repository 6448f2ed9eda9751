// A server, two workers and their database while pictures come and go and everything around them
// fails, in an order that a seed decides (test/faults/). Exit code 1 when anything that was
// acknowledged is lost or there twice, an index differs from the store, or work is left undone.
import { parseArgs } from 'node:util'
import { type Outcome, playFaults } from '../faults/play.ts'
import { startKillablePostgres } from '../faults/postgres.ts'
import { KINDS, makeSchedule } from '../faults/schedule.ts'
import { openWorld, type World } from '../faults/world.ts'
import { printHeader } from './report.ts'

/** Runs it: `npm run bench -- faults [--seed n] [--events n]`. */
export async function run(): Promise<void> {
  const { values } = parseArgs({
    allowPositionals: true,
    strict: false,
    options: {
      seed: { type: 'string', default: '1' },
      events: { type: 'string', default: '240' },
    },
  })
  const [seed, events] = [Number(values.seed), Number(values.events)]
  const schedule = makeSchedule(seed, events)
  printHeader('faults', 'lucida-clip-1', `${events} events of seed ${seed}, drawn pictures`)
  await using world = await openWorld(seed, await startKillablePostgres())
  for (const lack of world.lacks) console.log(`NOT AS IT SHOULD BE: ${lack}`)
  const outcome = await playFaults(world, schedule)
  printOutcome(world, outcome)
  if (outcome.violations.length > 0) process.exitCode = 1
}

/** The counts, then what is wrong. */
function printOutcome({ clients, watch }: World, outcome: Outcome): void {
  const { events, checked, violations, seconds } = outcome
  const isEvent = (name: string) => (KINDS as readonly string[]).includes(name)
  const total = KINDS.reduce((sum, kind) => sum + (events[kind] ?? 0), 0)
  const others = Object.entries(events).filter(([name]) => !isEvent(name))
  console.log(`${total} events in ${seconds.toFixed(0)} s`)
  print(
    'events',
    KINDS.map((kind) => [kind, events[kind] ?? 0]),
  )
  print('jobs', others)
  print('requests answered', Object.entries(clients.tally.answered))
  print('requests refused', Object.entries(clients.tally.refused))
  print('afterwards', Object.entries(checked))
  console.log(`starts that failed while the database was away: ${watch.startsThatFailed}`)
  console.log(`violations: ${violations.length}`)
  for (const violation of violations.slice(0, 50)) console.log(`  ${violation}`)
}

function print(title: string, counts: readonly (readonly [string, number])[]): void {
  console.log(`${title}: ${counts.map(([name, n]) => `${name} ${n}`).join(', ')}`)
}
