// lucida index: brings the collection up to date with one or more folders.
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import { placeOf } from '../../core/place.ts'
import type { CliIo } from '../io.ts'
import { printJson } from '../print.ts'
import { collect, configOf, integer, withGlobalFlags, withAnyLucida } from '../program.ts'
import { printIndexing } from '../progress.ts'

/** Between looks when `--poll` names no time. */
const DEFAULT_POLL_SECONDS = 30

interface Flags extends PartialConfig {
  prune?: boolean
  exclude?: string[]
  watch?: boolean
  poll?: number | true
  json?: boolean
}

/** The `index` command. */
export function indexCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('index')
      .summary('Index folders of pictures, or bring them up to date.')
      .description(
        'Index folders of pictures. Run it again at any time: only what changed is done again. ' +
          'Without a folder, bring every indexed folder up to date.',
      )
      .argument('[path...]', 'folders')
      .option('--prune', 'delete what is gone, even when a drive looks unmounted')
      .option('--exclude <glob>', 'leave out matching files and folders (repeatable)', collect)
      .option('--watch', 'then keep them up to date until interrupted')
      .option(
        '--poll [seconds]',
        'with --watch, look every so often (30 s): for network drives',
        integer(1, 86_400),
      )
      .option('--json', 'print events as JSON lines'),
  ).action(async (paths: string[], given: Flags, command: Command) => {
    const { prune = false, exclude, watch = false, poll, json, ...flags } = given
    if (poll && !watch) command.error("error: option '--poll' needs '--watch'")
    await withAnyLucida(io, configOf(io, flags), async (lucida) => {
      const options = { prune, signal: io.signal, ...(exclude && { exclude }) }
      const folders = paths.map((path) => placeOf(path, io.cwd))
      const pollSeconds = poll === true ? DEFAULT_POLL_SECONDS : poll
      const events = watch
        ? lucida.watch(folders, { ...options, ...(pollSeconds && { pollSeconds }) })
        : lucida.index(folders, options)
      if (!json) return printIndexing(io, events)
      for await (const event of events) printJson(io, event)
    })
  })
}
