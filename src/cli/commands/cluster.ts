// lucida cluster: makes the database a Citus cluster, and shows its nodes.
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import type { CliIo } from '../io.ts'
import { printJson } from '../print.ts'
import { configOf, integer, withGlobalFlags } from '../program.ts'

/** The `cluster` command. */
export function clusterCommand(io: CliIo): Command {
  return new Command('cluster')
    .summary('Spread the database over several servers with Citus.')
    .description(
      'Spread the database over several servers with Citus, and look at them (docs/scale.md).',
    )
    .addCommand(initCommand(io))
    .addCommand(statusCommand(io))
    .helpCommand(false)
}

function initCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('init')
      .description(
        'Distribute the tables over the nodes that the coordinator knows, with what is in them. Done again, it changes nothing.',
      )
      .option(
        '--shards <n>',
        'parts of each table: as many nodes can share it (four for each node)',
        integer(1, 1024),
      ),
  ).action(async ({ shards, ...flags }: PartialConfig & { shards?: number }) => {
    const { makeCluster } = await import('../../cluster.ts')
    const { distributed, reference } = await makeCluster(configOf(io, flags), shards)
    for (const table of distributed) io.err(`distributed ${table}\n`)
    for (const table of reference) io.err(`copied ${table} to every node\n`)
    if (distributed.length + reference.length === 0) io.err('everything was distributed before\n')
  })
}

function statusCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('status')
      .description('List nodes and tables: shards, sizes, and who does not answer.')
      .option('--json', 'print one JSON document'),
  ).action(async ({ json, ...flags }: PartialConfig & { json?: boolean }) => {
    const { clusterStatus } = await import('../../cluster.ts')
    const status = await clusterStatus(configOf(io, flags))
    if (json) return printJson(io, status)
    for (const { host, port, role, answers, shards, sizeBytes } of status.nodes) {
      const state = answers ? 'answers' : 'AWAY   '
      const place = `${host}:${port}`.padEnd(24)
      io.out(`${place}  ${role.padEnd(11)}  ${state}  ${count(shards)}  ${megabytes(sizeBytes)}\n`)
    }
    for (const { name, kind, shards, sizeBytes } of status.tables) {
      io.out(`${name.padEnd(48)}  ${kind.padEnd(11)}  ${count(shards)}  ${megabytes(sizeBytes)}\n`)
    }
  })
}

function count(shards: number): string {
  return `${String(shards).padStart(4)} shards`
}

function megabytes(bytes: number | null): string {
  return bytes === null ? 'size unknown' : `${(bytes / 1e6).toFixed(1)} MB`.padStart(10)
}
