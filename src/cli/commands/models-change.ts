// lucida models use, status, pause, resume, rollback, drop: which model answers, and the change to
// another one.
import { readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { CONFIG_FILE, type Config, type PartialConfig } from '../../config.ts'
import { replaceFile } from '../../core/durable-file.ts'
import { systemCode } from '../../core/errors.ts'
import type { ModelStatus } from '../../lucida.ts'
import { printFilling } from '../fill-progress.ts'
import type { CliIo } from '../io.ts'
import { printJson } from '../print.ts'
import { type AnyLucida, configOf, findServer, withAnyLucida, withLucida } from '../program.ts'

interface Flags extends Pick<PartialConfig, 'dataDir'> {
  now?: boolean
  wait?: boolean
  json?: boolean
}

const withDataDir = (command: Command) =>
  command.option('--data-dir <folder>', 'where the database and the index live')

export function useCommand(io: CliIo): Command {
  return withDataDir(
    new Command('use')
      .summary('Change to another model.')
      .description(
        'Change to another model: it is given vectors of all pictures while the first answers ' +
          'searches, then answers itself. A server does that in the background, without one it is ' +
          'done here. The model that answers ends a change under way.',
      )
      .argument('<name>', 'a model at hand')
      .option('--now', 'answer at once, with the pictures that it has so far')
      .option('--wait', 'beside a server: wait until it is done'),
  ).action(async (name: string, { now = false, wait = false, ...flags }: Flags) => {
    await takeFromSettings(io)
    await change(io, configOf(io, flags), wait, (models) => models.use(name, { now }))
  })
}

export function resumeCommand(io: CliIo): Command {
  return withDataDir(
    new Command('resume')
      .description('Go on with a change of model, and try again what could not be read.')
      .option('--wait', 'beside a server: wait until it is done'),
  ).action(async ({ wait = false, ...flags }: Flags) => {
    await change(io, configOf(io, flags), wait, (models) => models.resume())
  })
}

export function rollbackCommand(io: CliIo): Command {
  return withDataDir(
    new Command('rollback')
      .description(
        'Back to the model before, at once; pictures that came since are filled in afterwards.',
      )
      .option('--wait', 'beside a server: wait until these are'),
  ).action(async ({ wait = false, ...flags }: Flags) => {
    await change(io, configOf(io, flags), wait, (models) => models.rollback())
  })
}

export function pauseCommand(io: CliIo): Command {
  return withDataDir(
    new Command('pause').description('Let the change of model rest; what it has done is kept.'),
  ).action(async (flags: Flags) => {
    await withAnyLucida(io, configOf(io, flags), async ({ models }) =>
      printStatus(io, await models.pause(), false),
    )
  })
}

export function dropCommand(io: CliIo): Command {
  return withDataDir(
    new Command('drop')
      .description('Delete the vectors and index files of a model that is not in use.')
      .argument('<name>', 'a model that has vectors here (see: lucida models status)'),
  ).action(async (name: string, flags: Flags) => {
    await withAnyLucida(io, configOf(io, flags), async ({ models }) => {
      io.err(`deleted ${await models.drop(name)} vectors of ${name}\n`)
    })
  })
}

export function statusCommand(io: CliIo): Command {
  return withDataDir(
    new Command('status')
      .description('Show which model answers, and how a change to another goes.')
      .option('--failures', 'also the pictures that cannot be read')
      .option('--json', 'print one JSON document'),
  ).action(async ({ json, failures, ...flags }: Flags & { failures?: boolean }) => {
    const config = configOf(io, flags)
    const server = await findServer(config)
    const work = async ({ models }: Pick<AnyLucida, 'models'>) => {
      const status = await models.status()
      const unread = failures ? await models.failures(MOST_FAILURES) : []
      if (json) return printJson(io, failures ? { ...status, failures: unread } : status)
      printStatus(io, status, server !== null)
      for (const { path, reason } of unread) io.out(`${path}  ${reason}\n`)
    }
    await (server ? work(server) : withLucida(io, config, work))
  })
}

const MOST_FAILURES = 1000

/** Asks for a change; then follows it, or where there is no server carries it out. */
async function change(
  io: CliIo,
  config: Config,
  wait: boolean,
  ask: (models: AnyLucida['models']) => Promise<ModelStatus>,
): Promise<void> {
  const server = await findServer(config)
  const work = async ({ models }: Pick<AnyLucida, 'models'>) => {
    const asked = await ask(models)
    if (!server || wait) await printFilling(io, models)
    else if (asked.change) io.err('the server goes on with it: lucida models status\n')
    printStatus(io, await models.status(), server !== null)
  }
  await (server ? work(server) : withLucida(io, config, work))
}

function printStatus(
  io: CliIo,
  { serving, previous, change, trouble, stored }: ModelStatus,
  isServed: boolean,
): void {
  io.out(`${serving.model} answers, with ${countsText(serving)}\n`)
  if (change) {
    const state = !isServed && change.state === 'filling' ? 'unfinished' : change.state
    io.out(`${change.model} is ${STATES[state]}, with ${countsText(change)}\n`)
  }
  if (trouble !== null) io.out(`it does not go on: ${trouble}\n`)
  if (previous !== null) io.out(`before it ${previous} answered (lucida models rollback)\n`)
  const inUse = new Set([serving.model, change?.model])
  for (const { model, vectors } of stored) {
    if (!inUse.has(model)) io.out(`${model} has ${vectors} vectors (lucida models drop ${model})\n`)
  }
}

const STATES = {
  unfinished: 'half-way (lucida models resume)',
  filling: 'being filled',
  paused: 'paused (lucida models resume)',
  waiting: 'waiting for folders that are away',
} as const

function countsText({ filled, pictures, failed }: ModelStatus['serving']): string {
  const unread = failed > 0 ? `, ${failed} cannot be read` : ''
  return `${filled} of ${pictures} pictures${unread}`
}

/** Earlier versions wrote the model to the settings file; a setting would win over the collection. */
async function takeFromSettings(io: CliIo): Promise<void> {
  const path = join(io.cwd, CONFIG_FILE)
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  })
  if (text === null) return
  // Reports a file that is no valid JSON as every command does.
  configOf(io, {})
  const { model, ...rest } = JSON.parse(text) as { readonly model?: string }
  if (model === undefined) return
  // Settings may be kept elsewhere and linked to.
  const { mode } = await stat(path)
  await replaceFile(await realpath(path), `${JSON.stringify(rest, null, 2)}\n`, mode)
  io.err(`${path} no longer names ${model}: the collection itself knows its model\n`)
}
