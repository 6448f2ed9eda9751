// What every command shares: the global flags, and opening and closing Lucida around the work.
import { existsSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { type Config, type PartialConfig, resolveConfig } from '../config.ts'
import { serverSocket } from '../core/directory-socket.ts'
import type {
  GenerateOptions,
  Hooks,
  Lucida,
  PlannedGeneration,
  StoredGeneration,
} from '../lucida.ts'
import type { CliIo } from './io.ts'
import type { DatabaseCopy } from './remote-copy.ts'

/** Adds the flags that choose data and model; they come after the command's own in its help. */
export function withGlobalFlags(command: Command): Command {
  return command
    .option('--data-dir <folder>', 'where the database and the index live')
    .option('--model <name>', 'model to search with (see: lucida models)')
}

/** The settings that a command's flags, the environment and the settings file give together. */
export function configOf(io: CliIo, flags: PartialConfig): Config {
  const { dataDir, model, host, port } = flags
  return resolveConfig({ flags: { dataDir, model, host, port }, env: io.env, cwd: io.cwd })
}

/** What commands ask of a Lucida, whether it is open in this process or in a server. */
export type AnyLucida = Pick<
  Lucida,
  | 'index'
  | 'watch'
  | 'search'
  | 'similar'
  | 'list'
  | 'facets'
  | 'duplicates'
  | 'classify'
  | 'audit'
  | 'explain'
  | 'safetyScores'
  | 'status'
  | 'failures'
  | 'remove'
> & {
  readonly keys: Pick<Lucida['keys'], 'create' | 'list' | 'revoke'>
  readonly models: Omit<Lucida['models'], 'keepFilled'>
  readonly concepts: Pick<Lucida['concepts'], 'teach' | 'list' | 'find' | 'forget'>
  readonly plan: (options: GenerateOptions) => Promise<AnyPlan>
  readonly gallery: { readonly find: (id: string) => Promise<{ readonly path: string }> }
}

/** An order to draw that was understood, here or by a server. */
export type AnyPlan = Pick<PlannedGeneration, 'run'> & {
  readonly earlier: Pick<StoredGeneration, 'id' | 'picture'> | undefined
}

/** A Lucida that a server has open. */
export interface ServedLucida extends AnyLucida {
  /** A copy of the embedded database as it is now. */
  copyDatabase(): Promise<DatabaseCopy>
}

/** The server that has the embedded data directory open, if there is one. */
export async function findServer(config: Config): Promise<ServedLucida | null> {
  const socket = config.databaseUrl ? null : serverSocket(config.dataDir)
  if (socket === null || (process.platform !== 'win32' && !existsSync(socket))) return null
  const { openRemote } = await import('./remote.ts')
  return openRemote(socket)
}

/** Works through the server that has the data directory open or, without one, opens it itself. */
export async function withAnyLucida<T>(
  io: CliIo,
  config: Config,
  work: (lucida: AnyLucida) => Promise<T>,
): Promise<T> {
  const server = await findServer(config)
  return server ? work(server) : withLucida(io, config, work)
}

/** Opens Lucida for `work` and closes it whatever happens; says so when it had to be repaired. */
export async function withLucida<T>(
  io: CliIo,
  config: Config,
  work: (lucida: Lucida) => Promise<T>,
  hooks: Hooks = {},
): Promise<T> {
  // Loaded when needed: the database's code takes longer to load than most commands to run.
  const { openResolved } = await import('../lucida.ts')
  const lucida = await openResolved(config, hooks)
  if (lucida.repaired) {
    const { repairText } = await import('../diagnose.ts')
    io.err(`${repairText(lucida.repaired)}\n`)
  }
  try {
    return await work(lucida)
  } finally {
    await lucida.close()
  }
}

/** Parses a whole number between `min` and `max`, for commander. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`Expected a whole number between ${min} and ${max}.`)
    }
    return value
  }
}

/** Parses a number between `min` and `max`, for commander. */
export function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() === '' || !(value >= min && value <= max)) {
      throw new InvalidArgumentError(`Expected a number between ${min} and ${max}.`)
    }
    return value
  }
}

/** Collects a flag that may be given several times. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value]
}
