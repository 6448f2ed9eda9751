// lucida remove: forgets an indexed folder; the files themselves are never touched.
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import { placeOf } from '../../core/place.ts'
import type { CliIo } from '../io.ts'
import { configOf, withGlobalFlags, withAnyLucida } from '../program.ts'

/** The `remove` command. */
export function removeCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('remove')
      .description('Forget an indexed folder; its files stay where they are.')
      .argument('<root>', 'the folder, as lucida status shows it'),
  ).action(async (root: string, flags: PartialConfig) => {
    await withAnyLucida(io, configOf(io, flags), async (lucida) => {
      const removed = await lucida.remove(placeOf(root, io.cwd))
      io.err(`forgot ${removed} files of ${root}\n`)
    })
  })
}
