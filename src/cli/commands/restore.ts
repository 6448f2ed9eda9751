// lucida restore: a backup into an empty database.
import { resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import type { PartialConfig } from '../../config.ts'
import { placeOf } from '../../core/place.ts'
import type { CliIo } from '../io.ts'
import { printJson } from '../print.ts'
import { configOf, withGlobalFlags } from '../program.ts'
import { holds } from './backup.ts'

interface Relocation {
  readonly from: string
  readonly to: string
}

interface Flags extends PartialConfig {
  map?: readonly Relocation[]
  json?: boolean
}

/** The `restore` command. */
export function restoreCommand(io: CliIo): Command {
  const collectMap = (text: string, before: readonly Relocation[] = []) => {
    const found = /^(.+?)=(.+)$/.exec(text)
    if (!found) throw new InvalidArgumentError('Expected /old/folder=/new/folder.')
    const [, from, to] = found
    return [...before, { from: from!, to: placeOf(to!, io.cwd) }]
  }
  return withGlobalFlags(
    new Command('restore')
      .summary('Restore a backup into an empty database.')
      .description(
        'Restore a backup into an empty database: a new --data-dir, or an empty one on a server ' +
          '(DATABASE_URL). The whole file is checked before anything is changed.',
      )
      .argument('<file>', 'what lucida backup has written')
      .option(
        '--map <old=new>',
        'a folder of pictures that lies elsewhere here (repeatable)',
        collectMap,
      )
      .option('--json', 'print one JSON document'),
  ).action(async (name: string, { map = [], json, ...flags }: Flags) => {
    const startedAt = performance.now()
    const { restoreBackup } = await import('../../lucida.ts')
    const file = resolve(io.cwd, name)
    const summary = await restoreBackup(configOf(io, flags), file, { map, signal: io.signal })
    if (json) return printJson(io, summary)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    io.err(`restored ${holds(summary)} (${seconds} s)\n`)
  })
}
