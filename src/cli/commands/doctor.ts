// lucida doctor: is everything there and in order, and what to do if not.
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import { LucidaError } from '../../core/errors.ts'
import type { Check } from '../../diagnose.ts'
import type { CliIo } from '../io.ts'
import { printJson } from '../print.ts'
import { configOf, withGlobalFlags } from '../program.ts'

const MARKS = { ok: 'ok     ', warning: 'warning', error: 'ERROR  ' }

/** The `doctor` command. */
export function doctorCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('doctor')
      .description('Check that everything Lucida needs is in order.')
      .option('--json', 'print one JSON document'),
  ).action(async ({ json, ...flags }: PartialConfig & { json?: boolean }) => {
    const { diagnose } = await import('../../diagnose.ts')
    const checks: Check[] = []
    for await (const check of diagnose(configOf(io, flags))) {
      checks.push(check)
      if (!json) io.out(`${MARKS[check.state]}  ${check.name.padEnd(12)}  ${check.detail}\n`)
    }
    if (json) printJson(io, checks)
    const broken = checks.filter(({ state }) => state === 'error').map(({ name }) => name)
    if (broken.length > 0) {
      throw new LucidaError('internal', `Something is wrong with: ${broken.join(', ')}`)
    }
  })
}
