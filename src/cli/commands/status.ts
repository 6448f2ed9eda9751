// lucida status: what is indexed.
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import type { CliIo } from '../io.ts'
import { printJson } from '../print.ts'
import { configOf, withGlobalFlags, withAnyLucida } from '../program.ts'

/** The `status` command. */
export function statusCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('status')
      .description('Show what is indexed.')
      .option('--json', 'print one JSON document'),
  ).action(async ({ json, ...flags }: PartialConfig & { json?: boolean }) => {
    await withAnyLucida(io, configOf(io, flags), async (lucida) => {
      const status = await lucida.status()
      if (json) return printJson(io, status)
      io.out(`${status.searchable} pictures searchable with ${status.model}\n`)
      for (const root of status.roots) {
        const extras = [
          root.drawn && 'drawn by Lucida',
          root.missing > 0 && `${root.missing} gone`,
          root.failures > 0 && `${root.failures} failed`,
          root.exclude.length > 0 && `without ${root.exclude.join(' ')}`,
          !root.indexedAt && 'not indexed to the end yet: run lucida index',
        ].filter(Boolean)
        io.out(`  ${root.path}  ${[`${root.pictures} pictures`, ...extras].join(', ')}\n`)
      }
      io.out(`data in ${status.dataDir} (${status.database}, ${status.index} index)\n`)
    })
  })
}
