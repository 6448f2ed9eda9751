// lucida models: the models at hand.
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import type { CliIo } from '../io.ts'
import { printJson } from '../print.ts'
import { configOf, withGlobalFlags } from '../program.ts'

/** The `models` command. */
export function modelsCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('models')
      .description('List the models at hand.')
      .option('--json', 'print one JSON document'),
  ).action(async ({ json, ...flags }: PartialConfig & { json?: boolean }) => {
    const inUse = configOf(io, flags).model
    const { listModels } = await import('../../lucida.ts')
    const models = await listModels()
    if (json) {
      const rows = models.map(({ name, title, dimension, languages, license, directory }) => {
        return { name, title, dimension, languages, license, directory, inUse: name === inUse }
      })
      return printJson(io, rows)
    }
    for (const { name, title, dimension, languages, license } of models) {
      io.out(`${name === inUse ? '*' : ' '} ${name}  ${title}\n`)
      io.out(`    ${dimension} dimensions, languages: ${languages.join(', ')}\n`)
      io.out(`    licence of the weights: ${license}\n`)
    }
  })
}
