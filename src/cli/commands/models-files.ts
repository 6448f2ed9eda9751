// lucida models pull, import, verify, remove: the files of models.
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { Command } from 'commander'
import { LucidaError } from '../../core/errors.ts'
import type { CatalogueModel } from '../../lucida.ts'
import type { CliIo } from '../io.ts'
import { configOf, findServer } from '../program.ts'
import { printPull } from '../pull-progress.ts'
import type { Config } from '../../config.ts'

export function pullCommand(io: CliIo): Command {
  return new Command('pull')
    .description(
      'Pull a model from the hub. What an interrupted pull has left is used. HF_ENDPOINT names a ' +
        'mirror, HF_TOKEN or HF_HOME a token.',
    )
    .argument('<name>', 'in any style: ViT-B-32/openai, openai/clip-vit-base-patch32, …')
    .option('--accept-licence', 'accept the licence, where one must be accepted')
    .action(async (name: string, { acceptLicence }: { acceptLicence?: boolean }) => {
      const { modelsDir } = configOf(io, {})
      const { hubOf, pullModel, requireKnownModel } = await import('../../lucida.ts')
      const known = requireKnownModel(name)
      const licenseAccepted = acceptLicence || (await askForLicense(io, known))
      io.err(`pulling ${known.name} from ${known.repository} (licence: ${known.license})\n`)
      const model = await pullModel(known, {
        hub: await hubOf(io.env),
        directory: modelsDir,
        signal: io.signal,
        licenseAccepted,
        onEvent: printPull(io),
      })
      io.err(`${model.name} lies in ${model.directory}\n`)
      io.err(`use it with --model ${model.name}, or always: lucida models use ${model.name}\n`)
    })
}

/** Asks a person; where nobody can answer, nothing is accepted. */
async function askForLicense(io: CliIo, { name, acceptLicense }: CatalogueModel): Promise<boolean> {
  if (acceptLicense === undefined || !io.inputIsTerminal) return false
  io.err(`${name} comes under terms of its own: ${acceptLicense}\nDo you accept them? [y/N] `)
  const lines = createInterface({ input: io.input })
  for await (const line of lines) return /^y(es)?$/i.test(line.trim())
  return false
}

export function importCommand(io: CliIo): Command {
  return new Command('import')
    .description('Make a model of a folder of files that were copied here, and try it.')
    .argument('<folder>', 'in the layout of the hub: config.json, tokenizer.json, onnx/…')
    .option('--name <name>', 'what it is called from now on (default: as the folder)')
    .action(async (folder: string, { name }: { name?: string }) => {
      const { modelsDir } = configOf(io, {})
      const { importModel } = await import('../../lucida.ts')
      const model = await importModel(resolve(io.cwd, folder), { directory: modelsDir, name })
      io.err(`${model.name} lies in ${model.directory}\n`)
    })
}

export function verifyCommand(io: CliIo): Command {
  return new Command('verify')
    .description('Compare the files of a model, or of all, with their checksums.')
    .argument('[name]', 'a model at hand')
    .action(async (name: string | undefined) => {
      const { modelsDir } = configOf(io, {})
      const { checkModels } = await import('../../lucida.ts')
      const checks = await checkModels(modelsDir, name)
      for (const { directory, problem } of checks) {
        io.out(`${problem === undefined ? 'ok     ' : 'damaged'}  ${directory}\n`)
        if (problem !== undefined) io.err(`${problem}\n`)
      }
      const damaged = checks.filter(({ problem }) => problem !== undefined)
      if (damaged.length > 0) {
        throw new LucidaError(
          'checksum_mismatch',
          `${damaged.length} of ${checks.length} models are damaged; lucida models pull brings back what is missing`,
        )
      }
    })
}

export function removeCommand(io: CliIo): Command {
  return new Command('remove')
    .description(
      'Delete a model that was pulled or imported, or what an interrupted pull has left; vectors stay.',
    )
    .argument('<name>', 'a model at hand')
    .action(async (name: string) => {
      const config = configOf(io, {})
      const { findModel, knownModel, removeModel } = await import('../../lucida.ts')
      const model = await findModel(name, config.modelsDir).catch(() => undefined)
      const known = model?.name ?? knownModel(name)?.name ?? name
      if ((await modelsInUse(config)).includes(known)) {
        throw new LucidaError(
          'bad_input',
          `The collection in ${config.databaseUrl ? 'the database' : config.dataDir} uses ${known}; change to another model first (lucida models use), then remove it`,
        )
      }
      io.err(`removed ${await removeModel(config.modelsDir, name)}\n`)
    })
}

/** The model that answers in the collection of the settings, and the one that is being filled. */
async function modelsInUse(config: Config): Promise<readonly string[]> {
  const server = await findServer(config)
  if (server) {
    const { serving, change } = await server.models.status()
    return change ? [serving.model, change.model] : [serving.model]
  }
  const { listModelsInUse } = await import('../../lucida.ts')
  return listModelsInUse(config)
}
