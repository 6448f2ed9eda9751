// The database of the settings as a Citus cluster: made one, and looked at; for `lucida cluster`.
import type { Config } from './config.ts'
import { LucidaError } from './core/errors.ts'
import { type ClusterChange, initCluster } from './store/cluster.ts'
import { type ClusterStatus, readClusterStatus } from './store/cluster-status.ts'
import { type Database, openDatabase } from './store/database.ts'

export type { ClusterChange } from './store/cluster.ts'
export type { ClusterNode, ClusterStatus, ClusterTable } from './store/cluster-status.ts'

/** Distributes the tables, with what is in them. Throws `bad_input`, `database_unavailable`. */
export function makeCluster(config: Config, shards?: number): Promise<ClusterChange> {
  return onServer(config, (db) => initCluster(db, shards === undefined ? {} : { shards }))
}

/** Nodes and tables. Throws `bad_input` where the database is no cluster. */
export function clusterStatus(config: Config): Promise<ClusterStatus> {
  return onServer(config, readClusterStatus)
}

async function onServer<T>(
  { databaseUrl }: Config,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  if (!databaseUrl) {
    throw new LucidaError(
      'bad_input',
      'The embedded database cannot be a cluster; set DATABASE_URL to the coordinator of one (docs/scale.md)',
    )
  }
  const database = await openDatabase({ url: databaseUrl })
  try {
    return await work(database.db)
  } finally {
    await database.close()
  }
}
