// Makes test databases clusters where TEST_CLUSTER_WORKERS names the other nodes of TEST_DATABASE_URL's
// server (separated by commas, Citus on all of them), so that the same suite runs on Citus.
import { Client } from 'pg'
import { initCluster } from '../../src/store/cluster.ts'
import { openDatabase } from '../../src/store/database.ts'

/** Few, so that a database is made quickly; several on each node, so that nothing works by luck. */
const SHARDS = 4

/** Servers besides the coordinator; none where tests run on a server of its own. */
export const clusterWorkers = (process.env.TEST_CLUSTER_WORKERS ?? '').split(',').filter(Boolean)

/** Has the empty database `name` on all servers made a cluster, with Lucida's tables in it. */
export async function clusterDatabase(url: string): Promise<void> {
  const here = new URL(url)
  for (const worker of clusterWorkers) {
    const there = Object.assign(new URL(worker), { pathname: here.pathname })
    await onServer(worker, [`create database ${here.pathname.slice(1)}`])
    await onServer(there.href, ['create extension citus'])
  }
  await onServer(url, [
    'create extension citus',
    `select citus_set_coordinator_host('${here.hostname}', ${here.port})`,
    ...clusterWorkers.map((worker) => {
      const { hostname, port } = new URL(worker)
      return `select citus_add_node('${hostname}', ${port})`
    }),
  ])
  const database = await openDatabase({ url })
  try {
    await initCluster(database.db, { shards: SHARDS })
  } finally {
    await database.close()
  }
}

/** Drops it everywhere. */
export async function dropOnWorkers(name: string): Promise<void> {
  for (const worker of clusterWorkers) {
    await onServer(worker, [`drop database if exists ${name} with (force)`])
  }
}

async function onServer(url: string, statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}
