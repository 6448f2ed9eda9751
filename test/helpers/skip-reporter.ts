// Lists every skipped test by name at the end (the names say why), then one plain closing line.
import type { Reporter, TestCase } from 'vitest/node'

export default class SkipReporter implements Reporter {
  readonly #counts = { passed: 0, failed: 0, skipped: 0 }
  readonly #skipped = new Map<string, number>()

  onTestCaseResult(test: TestCase): void {
    const { state } = test.result()
    if (state === 'pending') return
    this.#counts[state]++
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
    const { passed, failed, skipped } = this.#counts
    console.log(`\n${passed} passed, ${failed + errors.length} failed, ${skipped} skipped`)
  }
}
