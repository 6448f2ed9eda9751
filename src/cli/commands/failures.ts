// lucida failures: the files that could not be indexed, and why.
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import type { CliIo } from '../io.ts'
import { printJson } from '../print.ts'
import { configOf, withGlobalFlags, withAnyLucida } from '../program.ts'

/** The `failures` command. */
export function failuresCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('failures')
      .description('List the files that could not be indexed, and why.')
      .option('--json', 'print one JSON document'),
  ).action(async ({ json, ...flags }: PartialConfig & { json?: boolean }) => {
    await withAnyLucida(io, configOf(io, flags), async (lucida) => {
      const failures = await lucida.failures()
      if (json) return printJson(io, failures)
      for (const { path, reason, code } of failures) io.out(`${path}\t${code}\t${reason}\n`)
      if (failures.length === 0) io.err('no failures\n')
    })
  })
}
