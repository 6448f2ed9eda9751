// lucida backup: everything that Lucida knows, and what it has drawn, in one file.
import { resolve } from 'node:path'
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import type { BackupSummary } from '../../lucida.ts'
import type { CliIo } from '../io.ts'
import { printJson } from '../print.ts'
import { configOf, findServer, withGlobalFlags } from '../program.ts'

interface Flags extends PartialConfig {
  force?: boolean
  json?: boolean
}

/** The `backup` command. */
export function backupCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('backup')
      .summary('Write everything that Lucida knows to one file.')
      .description(
        'Write everything that Lucida knows, and the pictures that it keeps itself, to one file; ' +
          'also while a server runs. Your own pictures are not in it.',
      )
      .argument('<file>', 'the backup')
      .option('--force', 'replace a file that is there')
      .option('--json', 'print one JSON document'),
  ).action(async (name: string, { json, force = false, ...flags }: Flags) => {
    const startedAt = performance.now()
    const config = configOf(io, flags)
    const file = resolve(io.cwd, name)
    const server = await findServer(config)
    const copy = await server?.copyDatabase()
    try {
      const { writeBackup } = await import('../../lucida.ts')
      const { signal } = io
      const summary = await writeBackup(config, file, {
        force,
        signal,
        ...(copy && { copy: copy.folder }),
      })
      tellElsewhere(io, summary)
      if (json) return printJson(io, summary)
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
      const size = `${(summary.sizeBytes / 1e6).toFixed(1)} MB`
      io.err(`wrote ${file}: ${holds(summary)}, ${size} (${seconds} s)\n`)
    } finally {
      await copy?.done()
    }
  })
}

/** What is missing must not be found out when it is needed. */
function tellElsewhere(io: CliIo, { elsewhere }: BackupSummary): void {
  if (elsewhere.length === 0) return
  io.err(
    `not in the backup: drawings and uploads in ${elsewhere.join(', ')}, neither in the data directory nor in LUCIDA_STORAGE; set that as the server has it, or keep them as files\n`,
  )
}

/** `5,000 pictures in 2 folders, 3 files of Lucida's own` */
export function holds({ counts }: Pick<BackupSummary, 'counts'>): string {
  const of = (name: string, one: string, many = `${one}s`) => {
    const count = counts[name] ?? 0
    return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
  }
  const files = of('files', "file of Lucida's own", "files of Lucida's own")
  return `${of('contents', 'picture')} in ${of('roots', 'folder')}, ${files}`
}
