// lucida concepts: what was taught, in a list or one by one, and forgetting it.
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import type { CliIo } from '../io.ts'
import { printJson } from '../print.ts'
import { configOf, withAnyLucida, withGlobalFlags } from '../program.ts'
import { conceptJson, conceptText } from './teach.ts'

/** The `concepts` command. */
export function conceptsCommand(io: CliIo): Command {
  return new Command('concepts')
    .description('List, show and forget the concepts that were taught.')
    .addCommand(listCommand(io), { isDefault: true })
    .addCommand(showCommand(io))
    .addCommand(forgetCommand(io))
    .helpCommand(false)
}

function listCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('list').description('List them.').option('--json', 'print one JSON document'),
  ).action(async ({ json, ...flags }: PartialConfig & { json?: boolean }) => {
    await withAnyLucida(io, configOf(io, flags), async ({ concepts }) => {
      const all = await concepts.list()
      if (json) return printJson(io, all.map(conceptJson))
      for (const concept of all) io.out(`${conceptText(concept)}\n`)
      if (all.length === 0) io.err('no concepts; lucida teach makes one\n')
    })
  })
}

function showCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('show')
      .description('Show one with its examples, by the SHA-256 of their files.')
      .argument('<name>', 'as lucida concepts shows it')
      .option('--json', 'print one JSON document'),
  ).action(async (name: string, { json, ...flags }: PartialConfig & { json?: boolean }) => {
    await withAnyLucida(io, configOf(io, flags), async ({ concepts }) => {
      const concept = await concepts.find(name)
      if (json) return printJson(io, conceptJson(concept))
      io.out(`${conceptText(concept)}\n`)
      for (const id of concept.like) io.out(`  like    ${id}\n`)
      for (const id of concept.unlike) io.out(`  unlike  ${id}\n`)
    })
  })
}

function forgetCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('forget')
      .description('Forget one, with its examples; the pictures stay.')
      .argument('<name>', 'as lucida concepts shows it'),
  ).action(async (name: string, flags: PartialConfig) => {
    await withAnyLucida(io, configOf(io, flags), async ({ concepts }) => {
      await concepts.forget(name)
      io.err(`forgot ${name}\n`)
    })
  })
}
