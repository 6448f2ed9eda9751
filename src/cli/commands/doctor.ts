// lucida doctor: is everything there and in order, and what to do if not.
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import { LucidaError } from '../../core/errors.ts'
import type { Check } from '../../diagnose.ts'
import type { CliIo } from '../io.ts'
import { printJson } from '../print.ts'
import { configOf, findServer, withGlobalFlags } from '../program.ts'

const MARKS = { ok: 'ok     ', warning: 'warning', error: 'ERROR  ' }

interface Flags extends PartialConfig {
  readonly json?: boolean
  readonly repair?: boolean
}

/** The `doctor` command. */
export function doctorCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('doctor')
      .summary('Check that everything Lucida needs is in order.')
      .description(
        'Check that everything Lucida needs is in order, and that the database and what is derived ' +
          'from it fit together.',
      )
      .option('--repair', 'mend what does not')
      .option('--json', 'print one JSON document'),
  ).action(async ({ json, repair = false, ...flags }: Flags) => {
    const config = configOf(io, flags)
    if (repair && (await findServer(config))) {
      throw new LucidaError(
        'database_busy',
        `A server has ${config.dataDir} open; stop it, then run lucida doctor --repair`,
      )
    }
    const { diagnose } = await import('../../diagnose.ts')
    const checks: Check[] = []
    for await (const check of diagnose(config, { repair })) {
      checks.push(check)
      if (!json) printCheck(io, check)
    }
    if (json) printJson(io, checks)
    const broken = checks.filter(({ state }) => state === 'error').map(({ name }) => name)
    if (broken.length > 0) {
      throw new LucidaError('internal', `Something is wrong with: ${broken.join(', ')}`)
    }
  })
}

function printCheck(io: CliIo, { state, name, detail, inconsistencies = [] }: Check): void {
  io.out(`${MARKS[state]}  ${name.padEnd(12)}  ${detail}\n`)
  for (const { code, what, count, examples, mended, remedy } of inconsistencies) {
    const outcome = mended ? 'mended' : (remedy ?? 'to be mended')
    io.out(`         ${code}: ${what} (${count}; ${outcome})\n`)
    for (const example of examples) io.out(`           ${example}\n`)
  }
}
