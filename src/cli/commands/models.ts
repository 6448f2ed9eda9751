// lucida models: which models there are, here and to be pulled, and which of them is used.
import { Command } from 'commander'
import { findServingModel } from '../../cold-search.ts'
import type { Config, PartialConfig } from '../../config.ts'
import type { CatalogueModel } from '../../lucida.ts'
import type { CliIo } from '../io.ts'
import { printJson } from '../print.ts'
import { configOf, findServer, withGlobalFlags } from '../program.ts'
import {
  dropCommand,
  pauseCommand,
  resumeCommand,
  rollbackCommand,
  statusCommand,
  useCommand,
} from './models-change.ts'
import { importCommand, pullCommand, removeCommand, verifyCommand } from './models-files.ts'

/** The `models` command. Without a word more it lists. */
export function modelsCommand(io: CliIo): Command {
  return new Command('models')
    .summary('List, pull, import, check and change models.')
    .description(
      'List, pull, import, check and change models; without a command, list those at hand.',
    )
    .addCommand(listCommand(io), { isDefault: true })
    .addCommand(showCommand(io))
    .addCommand(pullCommand(io))
    .addCommand(importCommand(io))
    .addCommand(useCommand(io))
    .addCommand(statusCommand(io))
    .addCommand(pauseCommand(io))
    .addCommand(resumeCommand(io))
    .addCommand(rollbackCommand(io))
    .addCommand(dropCommand(io))
    .addCommand(verifyCommand(io))
    .addCommand(removeCommand(io))
    .helpCommand(false)
}

interface Row {
  readonly name: string
  readonly title: string
  readonly dimension: number
  readonly languages: readonly string[]
  readonly license: string
  /** `null` where it must be pulled first. */
  readonly directory: string | null
  readonly inUse: boolean
}

function listCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('list')
      .description('List the models at hand; with --all also those that can be pulled.')
      .option('--all', 'also those that can be pulled')
      .option('--json', 'print one JSON document'),
  ).action(async ({ json, all, ...flags }: PartialConfig & { json?: boolean; all?: boolean }) => {
    const rows = await listRows(io, flags, all ?? false)
    if (json) return printJson(io, rows)
    for (const { name, title, dimension, languages, license, directory, inUse } of rows) {
      io.out(`${inUse ? '*' : ' '} ${name}  ${title}\n`)
      const place = directory === null ? ', not pulled yet' : ''
      io.out(`    ${dimension} dimensions, languages: ${languages.join(', ')}${place}\n`)
      io.out(`    licence of the weights: ${license}\n`)
    }
  })
}

async function listRows(io: CliIo, flags: PartialConfig, all: boolean): Promise<Row[]> {
  const config = configOf(io, flags)
  const { CATALOGUE, knownModel, listModels } = await import('../../lucida.ts')
  const models = await listModels(config.modelsDir)
  const used = await usedModel(config)
  const wanted = used.trim().toLowerCase()
  const known = knownModel(used)?.name
  const atHand = models.map(({ name, title, dimension, languages, license, directory }) => {
    const inUse = name === wanted || name === known
    return { name, title, dimension, languages, license, directory, inUse }
  })
  const names = new Set(atHand.map(({ name }) => name))
  const others = CATALOGUE.filter(({ name }) => all && !names.has(name)).map(
    ({ name, title, dimension, languages, license }) => {
      return { name, title, dimension, languages, license, directory: null, inUse: false }
    },
  )
  return [...atHand, ...others]
}

/** The model that a search takes here, as far as that can be told without opening the database. */
async function usedModel(config: Config): Promise<string> {
  if (config.model !== undefined) return config.model
  const server = await findServer(config)
  if (server) return (await server.models.status()).serving.model
  return findServingModel(config)
}

function showCommand(io: CliIo): Command {
  return new Command('show')
    .description('Show where a model comes from, its files, its licence and its card.')
    .argument('<name>', 'in any style: ViT-B-32/openai, openai/clip-vit-base-patch32, …')
    .option('--json', 'print one JSON document')
    .action(async (name: string, { json }: { json?: boolean }) => {
      const { modelsDir } = configOf(io, {})
      const library = await import('../../lucida.ts')
      const { findCard, findModel, knownModel, readModelCard } = library
      const found = await findModel(name, modelsDir).catch(() => undefined)
      if (!found && !knownModel(name)) {
        // What draws is no model to search with, but has a card as well.
        const drawing = await readModelCard(name, modelsDir).catch(() => null)
        if (drawing !== null && !json) return io.out(drawing)
        if (drawing !== null) return printJson(io, { atHand: null, known: null, card: drawing })
      }
      const known = found ? knownModel(found.name) : library.requireKnownModel(name)
      const card = found ? await findCard(found.directory) : null
      if (json) return printJson(io, { atHand: found ?? null, known: known ?? null, card })
      const { title, dimension, languages, license } = (found ?? known)!
      io.out(`${(found ?? known)!.name}  ${title}\n`)
      io.out(`    ${dimension} dimensions, languages: ${languages.join(', ')}\n`)
      io.out(`    licence of the weights: ${license}\n`)
      if (found) {
        io.out(`    lies in ${found.directory}\n`)
        for (const [path, { sizeBytes, sha256 }] of Object.entries(found.files)) {
          io.out(`    ${path}  ${sizeBytes} bytes  sha256 ${sha256}\n`)
        }
        if (card !== null) io.out(`\n${card}`)
      } else showKnown(io, known!)
    })
}

function showKnown(io: CliIo, { name, files, acceptLicense }: CatalogueModel): void {
  if (acceptLicense !== undefined) io.out(`    its licence must be accepted: ${acceptLicense}\n`)
  for (const { repository, revision, path, sizeBytes } of files) {
    const size = sizeBytes === undefined ? '' : `  ${sizeBytes} bytes`
    io.out(`    ${repository}@${revision.slice(0, 12)}  ${path}${size}\n`)
  }
  io.out(`    not here yet: lucida models pull ${name}\n`)
}
