// lucida keys: makes, lists and revokes the keys of the HTTP API.
import { Command, Option } from 'commander'
import type { PartialConfig } from '../../config.ts'
import type { KeyScope } from '../../lucida.ts'
import type { CliIo } from '../io.ts'
import { printJson } from '../print.ts'
import { configOf, withAnyLucida, withGlobalFlags } from '../program.ts'

/** The `keys` command. */
export function keysCommand(io: CliIo): Command {
  return new Command('keys')
    .summary('Make, list and revoke keys of the HTTP API.')
    .description(
      'Make, list and revoke keys of the HTTP API. As soon as there is one, the server needs one.',
    )
    .addCommand(createCommand(io))
    .addCommand(listCommand(io))
    .addCommand(revokeCommand(io))
    .helpCommand(false)
}

interface CreateFlags extends PartialConfig {
  name: string
  scope: KeyScope
}

function createCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('create')
      .description('Make a key and print it; it is shown this once.')
      .option('--name <text>', 'what you call it', 'unnamed')
      .addOption(
        new Option('--scope <what>', 'what it allows: each includes those before it')
          .choices(['read', 'write', 'admin'])
          .default('read'),
      ),
  ).action(async ({ name, scope, ...flags }: CreateFlags) => {
    await withAnyLucida(io, configOf(io, flags), async ({ keys }) => {
      const { key, id } = await keys.create({ name, scope })
      io.out(`${key}\n`)
      io.err(`made ${id} (${scope}); it is not shown again\n`)
    })
  })
}

function listCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('list')
      .description('List the keys, without what is secret about them.')
      .option('--json', 'print one JSON document'),
  ).action(async ({ json, ...flags }: PartialConfig & { json?: boolean }) => {
    await withAnyLucida(io, configOf(io, flags), async ({ keys }) => {
      const all = await keys.list()
      if (json) return printJson(io, all)
      for (const { id, scope, createdAt, name } of all) {
        io.out(`${id}  ${scope.padEnd(5)}  ${createdAt.toISOString().slice(0, 10)}  ${name}\n`)
      }
      if (all.length === 0) io.err('no keys\n')
    })
  })
}

function revokeCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('revoke')
      .description('Revoke a key.')
      .argument('<id>', 'as lucida keys list shows it'),
  ).action(async (id: string, flags: PartialConfig) => {
    await withAnyLucida(io, configOf(io, flags), async ({ keys }) => {
      await keys.revoke(id)
      io.err(`revoked ${id}\n`)
    })
  })
}
