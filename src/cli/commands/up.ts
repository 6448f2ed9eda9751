// lucida up: indexes folders and serves them at once; the page shows how indexing goes.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import type { Config } from '../../config.ts'
import { placeOf } from '../../core/place.ts'
import type { CliIo } from '../io.ts'
import { drawDemoCollection } from '../demo-collection.ts'
import { configOf, withGlobalFlags, withLucida } from '../program.ts'
import { printIndexing } from '../progress.ts'
import { keepUpToDate, openBrowser, requireServer, serve, untilInterrupted } from '../serving.ts'
import { type ServeFlags, withServeFlags } from './serve.ts'

/** The `up` command. */
export function upCommand(io: CliIo): Command {
  const command = new Command('up')
    .summary('Index folders and serve them at once, with the page open.')
    .description(
      'Index folders and serve the page and the HTTP API at once, until interrupted; what is ' +
        'indexed can be searched while the rest is on its way. Without a folder, bring the indexed ' +
        'ones up to date, or draw sixty pictures where there is none.',
    )
    .argument('[path...]', 'folders of pictures')
  return withGlobalFlags(
    withServeFlags(command).option('--no-open', 'do not open a browser'),
  ).action(async (paths: string[], flags: ServeFlags & { open: boolean }) => {
    const { insecure = false, watch = false, worker = true, open, ...settings } = flags
    const config = configOf(io, settings)
    if (!worker) requireServer(config, 'lucida up --no-worker')
    const folders = paths.map((path) => placeOf(path, io.cwd))
    const demo = folders.length === 0 && !(await hasRoots(io, config))
    const collection = demo ? await drawDemoCollection(io, config) : { config, folder: null }
    const wanted = collection.folder === null ? folders : [collection.folder]
    await withLucida(io, collection.config, async (lucida) => {
      await using server = await serve(io, lucida, { insecure, worker })
      io.out(`${server.url}\n`)
      if (open && io.errIsTerminal) openBrowser(server.url)
      const { id } = await server.jobs.start({ folders: wanted })
      await printIndexing(io, server.jobs.happenings(id, io.signal))
      io.err(`Lucida is at ${server.url} (Ctrl+C ends it)\n`)
      await (watch ? keepUpToDate(io, lucida) : untilInterrupted(io))
    })
  })
}

/** Whether anything was indexed before. */
async function hasRoots(io: CliIo, config: Config): Promise<boolean> {
  if (!config.databaseUrl && !existsSync(join(config.dataDir, 'database'))) return false
  return withLucida(io, config, async (lucida) => (await lucida.roots()).length > 0)
}
