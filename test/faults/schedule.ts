// What happens when: events of clients and faults in an order that the seed alone decides, so that a
// run that found something can be played again.
import { seededRandom } from '../bench/report.ts'

/** Every kind of event with its share of a schedule. */
const SHARES = {
  // What people do.
  add: 0.14,
  move: 0.07,
  replace: 0.07,
  delete: 0.06,
  upload: 0.12,
  index: 0.14,
  // What goes wrong.
  'kill worker': 0.06,
  'kill server': 0.04,
  'kill postgres': 0.03,
  'drop connections': 0.05,
  'cut network': 0.03,
  'full disk': 0.03,
  'slow disk': 0.03,
  'clock jump': 0.04,
  'duplicate jobs': 0.04,
  'repeat jobs': 0.02,
  'reorder jobs': 0.03,
} as const

/** What may happen. */
export type Kind = keyof typeof SHARES
export const KINDS = Object.keys(SHARES) as Kind[]

/** One event. */
export interface Event {
  readonly kind: Kind
  /** Decide what it is done to: numbers in [0, 1). */
  readonly which: number
  readonly how: number
  /** Between this event and the next. */
  readonly pauseMs: number
}

/** No event waits for the one before, so they overlap. */
const LONGEST_PAUSE_MS = 1500

/** `count` events. Every kind occurs at least once where there is room for all, otherwise the first. */
export function makeSchedule(seed: number, count: number): Event[] {
  const random = seededRandom(seed)
  const kinds: Kind[] = KINDS.flatMap((kind) =>
    Array.from({ length: Math.max(1, Math.floor(SHARES[kind] * count)) }, () => kind),
  ).slice(0, count)
  while (kinds.length < count) kinds.push(drawKind(random()))
  for (let i = kinds.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[kinds[i], kinds[j]] = [kinds[j]!, kinds[i]!]
  }
  return kinds.map((kind) => ({
    kind,
    which: random(),
    how: random(),
    pauseMs: Math.floor(random() * LONGEST_PAUSE_MS),
  }))
}

function drawKind(at: number): Kind {
  let left = at * Object.values(SHARES).reduce((sum, share) => sum + share, 0)
  return KINDS.find((kind) => (left -= SHARES[kind]) < 0) ?? 'index'
}
