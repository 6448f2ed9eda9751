// The nodes of a cluster and what lies on each.
import { sql } from 'drizzle-orm'
import { LucidaError } from '../core/errors.ts'
import { isCluster } from './citus.ts'
import { type Database, rows } from './connection.ts'

/** A server of the cluster. */
export interface ClusterNode {
  readonly host: string
  readonly port: number
  readonly role: 'coordinator' | 'worker'
  /** Whether the coordinator reaches it now. */
  readonly answers: boolean
  /** Of all tables; what is on every node counts on each. */
  readonly shards: number
  /** Null while one of them does not answer: then nobody is asked. */
  readonly sizeBytes: number | null
}

/** A table that the cluster knows. */
export interface ClusterTable {
  readonly name: string
  readonly kind: 'distributed' | 'reference' | 'local'
  readonly shards: number
  /** On all nodes together; null while one of them does not answer. */
  readonly sizeBytes: number | null
}

export interface ClusterStatus {
  readonly nodes: readonly ClusterNode[]
  readonly tables: readonly ClusterTable[]
}

/** Asks every node. Throws `bad_input` where the database is no cluster. */
export async function readClusterStatus(db: Database): Promise<ClusterStatus> {
  if (!(await isCluster(db))) {
    throw new LucidaError(
      'bad_input',
      'This database is no cluster; lucida cluster init makes it one (docs/scale.md)',
    )
  }
  // Placements are known here; only their sizes are asked of the nodes.
  const placed = await rows<Omit<ClusterNode, 'sizeBytes'>>(
    db,
    sql`select n.nodename as host, n.nodeport as port,
        case when n.groupid = 0 then 'coordinator' else 'worker' end as role,
        n.groupid = 0 or citus_check_connection_to_node(n.nodename, n.nodeport) as answers,
        (select count(*)::int from pg_dist_placement p where p.groupid = n.groupid) as shards
      from pg_dist_node n where n.noderole = 'primary' order by n.groupid`,
  )
  const isWhole = placed.every(({ answers }) => answers)
  const sizes = isWhole ? await readSizes(db) : null
  const nodes = placed.map((node) => ({
    ...node,
    sizeBytes: sizes && sum(sizes.filter((s) => s.host === node.host && s.port === node.port)),
  }))
  const known = await rows<Omit<ClusterTable, 'sizeBytes'>>(
    db,
    sql`select c.relname as name,
        case p.partmethod when 'h' then 'distributed' else
          case p.repmodel when 't' then 'reference' else 'local' end end as kind,
        (select count(*)::int from pg_dist_shard s where s.logicalrelid = p.logicalrelid) as shards
      from pg_dist_partition p join pg_class c on c.oid = p.logicalrelid order by c.relname`,
  )
  const tables = known.map((table) => ({
    ...table,
    sizeBytes: sizes && sum(sizes.filter(({ name }) => name === table.name)),
  }))
  return { nodes, tables }
}

interface Size {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly bytes: number
}

async function readSizes(db: Database): Promise<Size[]> {
  return rows<Size>(
    db,
    sql`select c.relname as name, s.nodename as host, s.nodeport as port, sum(s.shard_size)::float8 as bytes
      from citus_shards s join pg_class c on c.oid = s.table_name group by 1, 2, 3`,
  )
}

function sum(sizes: readonly Size[]): number {
  return sizes.reduce((total, { bytes }) => total + bytes, 0)
}
