// lucida facets: how many pictures there are of each kind.
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import { type FilterFlags, filterOf, withFilterFlags } from '../filters.ts'
import type { CliIo } from '../io.ts'
import { printJson } from '../print.ts'
import { configOf, withGlobalFlags, withAnyLucida } from '../program.ts'

/** The `facets` command. */
export function facetsCommand(io: CliIo): Command {
  const command = new Command('facets')
    .summary('Count pictures by year, format, camera and more.')
    .description(
      'Count the pictures that pass the filters, by year, format, camera, lens, folder, ' +
        'orientation, whether they say where they were taken, and whether they were generated.',
    )
  return withGlobalFlags(
    withFilterFlags(command).option('--json', 'print one JSON document'),
  ).action(async ({ json, ...flags }: PartialConfig & FilterFlags & { json?: boolean }) => {
    await withAnyLucida(io, configOf(io, flags), async (lucida) => {
      const facets = await lucida.facets(filterOf(io, flags))
      if (json) return printJson(io, facets)
      const { pictures, ...kinds } = facets
      io.out(`${pictures} pictures\n`)
      for (const [kind, counts] of Object.entries(kinds)) {
        if (counts.length > 0) io.out(`\n${kind}\n`)
        for (const { value, count } of counts) {
          io.out(`${String(count).padStart(8)}  ${nameOf(value)}\n`)
        }
      }
    })
  })
}

function nameOf(value: string | number | boolean | null): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return value === null ? 'unknown' : String(value)
}
