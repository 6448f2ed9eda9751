// What must be true once all faults are over. Each check returns how much it looked at, and what is
// wrong in words; a test plants each kind of wrong and sees it found.
import { checkDoctor } from './check-doctor.ts'
import { checkIndexes } from './check-indexes.ts'
import { checkAnswers, checkStore, checkVectors } from './check-pictures.ts'
import { checkJobs } from './check-work.ts'
import type { Found, Place } from './look.ts'

/** All checks, of which only the first needs that somebody is at work; the others end them. */
export async function checkAll(place: Place): Promise<Found> {
  const answered = await checkAnswers(place)
  for (const member of place.members) await member.stop()
  const found = [answered]
  for (const check of [checkStore, checkJobs, checkVectors, checkIndexes, checkDoctor]) {
    found.push(await check(place))
  }
  return {
    counts: Object.assign({}, ...found.map(({ counts }) => counts)),
    violations: found.flatMap(({ violations }) => violations),
  }
}
