// Builds the program, runs one command and maps every outcome to an exit code:
// 0 done, 1 wrong data or state, 2 wrong usage, 130 interrupted.
import { Command, CommanderError } from 'commander'
import { explainAwayDatabase, LucidaError, messageOf } from '../core/errors.ts'
import { VERSION } from '../core/version.ts'
import { askCommand } from './commands/ask.ts'
import { benchCommand } from './commands/bench.ts'
import { auditCommand } from './commands/audit.ts'
import { backupCommand } from './commands/backup.ts'
import { classifyCommand } from './commands/classify.ts'
import { clusterCommand } from './commands/cluster.ts'
import { conceptsCommand } from './commands/concepts.ts'
import { doctorCommand } from './commands/doctor.ts'
import { duplicatesCommand } from './commands/duplicates.ts'
import { facetsCommand } from './commands/facets.ts'
import { failuresCommand } from './commands/failures.ts'
import { generateCommand } from './commands/generate.ts'
import { indexCommand } from './commands/index.ts'
import { keysCommand } from './commands/keys.ts'
import { modelsCommand } from './commands/models.ts'
import { removeCommand } from './commands/remove.ts'
import { restoreCommand } from './commands/restore.ts'
import { safetyCommand } from './commands/safety.ts'
import { serveCommand } from './commands/serve.ts'
import { searchCommand } from './commands/search.ts'
import { similarCommand } from './commands/similar.ts'
import { statusCommand } from './commands/status.ts'
import { teachCommand } from './commands/teach.ts'
import { upCommand } from './commands/up.ts'
import { whyCommand } from './commands/why.ts'
import { workerCommand } from './commands/worker.ts'
import type { CliIo } from './io.ts'

const COMMANDS = [
  upCommand,
  indexCommand,
  searchCommand,
  similarCommand,
  classifyCommand,
  auditCommand,
  teachCommand,
  conceptsCommand,
  whyCommand,
  safetyCommand,
  generateCommand,
  serveCommand,
  workerCommand,
  askCommand,
  facetsCommand,
  duplicatesCommand,
  statusCommand,
  failuresCommand,
  removeCommand,
  keysCommand,
  modelsCommand,
  clusterCommand,
  backupCommand,
  restoreCommand,
  doctorCommand,
  benchCommand,
]

/** What only an interruption ends, so that it is no failure. */
const SERVING: ReadonlySet<string> = new Set(['serve', 'up', 'worker'])

/** Runs `lucida <args>`. Never throws; returns the exit code. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  try {
    await buildProgram(io).parseAsync(args, { from: 'user' })
    return io.signal.aborted && !SERVING.has(args[0] ?? '') ? 130 : 0
  } catch (error) {
    return report(io, explainAwayDatabase(error))
  }
}

/** The program with all its commands, for running and for the documentation. */
export function buildProgram(io: CliIo): Command {
  const program = new Command('lucida')
    .description('Finds pictures by meaning, and draws what is missing.')
    .version(VERSION, '-V, --version', 'print the version')
  for (const command of COMMANDS) program.addCommand(command(io))
  for (const command of [program, ...program.commands, ...grandchildren(program)]) {
    command
      .exitOverride()
      .configureOutput({ writeOut: io.out, writeErr: io.err })
      .helpOption('-h, --help', 'show this help')
      .showHelpAfterError('(see --help)')
  }
  return program.helpCommand(false)
}

function grandchildren(program: Command): Command[] {
  return program.commands.flatMap((command) => [...command.commands])
}

function report(io: CliIo, error: unknown): number {
  // commander has printed its own message; help and version end with code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (io.signal.aborted) return 130
  if (error instanceof LucidaError) {
    io.err(`lucida: ${error.message}\n`)
    return 1
  }
  io.err(`lucida: ${messageOf(error)} (unexpected; LUCIDA_DEBUG=1 shows where)\n`)
  if (io.env.LUCIDA_DEBUG && error instanceof Error) io.err(`${error.stack}\n`)
  return 1
}
