// Lists every skipped test by name at the end (the names say why) and every failed one, then one
// plain closing line.
import type { Reporter, TestCase } from 'vitest/node'

export default class SummaryReporter implements Reporter {
  readonly #counts = { passed: 0, failed: 0, skipped: 0 }
  readonly #skipped = new Map<string, number>()
  readonly #failed: string[] = []

  onTestCaseResult(test: TestCase): void {
    const { state } = test.result()
    if (state === 'pending') return
    this.#counts[state]++
    if (state === 'failed') this.#failed.push(failureOf(test))
    if (state !== 'skipped') return
    // A skipped block says its reason once, not once per test.
    const block = test.fullName.split(' > ').find((part) => part.includes('skipped:'))
    const note = test.result().state === 'skipped' ? (test.result() as { note?: string }).note : ''
    const name = `[${test.project.name}] ${block ?? test.fullName}${note ? ` (skipped: ${note})` : ''}`
    this.#skipped.set(name, (this.#skipped.get(name) ?? 0) + 1)
  }

  onTestRunEnd(_modules: unknown, errors: readonly unknown[], reason: string): void {
    // The server that the tests bring along ends the process with 0, whatever has failed.
    if (reason !== 'passed') process.on('exit', () => (process.exitCode = 1))
    if (this.#skipped.size > 0) {
      console.log('\nNOT RUN on this machine:')
      for (const [name, n] of this.#skipped) console.log(`  ${name}${n > 1 ? ` × ${n}` : ''}`)
    }
    if (this.#failed.length > 0) console.log(['\nFAILED:', ...this.#failed].join('\n  '))
    const { passed, failed, skipped } = this.#counts
    console.log(`\n${passed} passed, ${failed + errors.length} failed, ${skipped} skipped`)
  }
}

/** Where the test is, its name, and the first line of what was wrong. */
function failureOf(test: TestCase): string {
  const message = test.result().errors?.[0]?.message ?? ''
  return `[${test.project.name}] ${test.module.relativeModuleId} > ${test.fullName}: ${message.split('\n', 1)[0]}`
}
