// What only a cluster does. Needs TEST_CLUSTER_WORKERS beside TEST_DATABASE_URL; without them, one test
// makes sure that a server without Citus is told what it lacks.
import { sql } from 'drizzle-orm'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { readChanges } from '../../src/store/changes.ts'
import { initCluster } from '../../src/store/cluster.ts'
import { readClusterStatus } from '../../src/store/cluster-status.ts'
import { type Database, rows } from '../../src/store/database.ts'
import { writeBatch } from '../../src/store/pictures.ts'
import { clusterWorkers } from '../helpers/cluster.ts'
import { describeDatabase } from '../helpers/database.ts'
import { hashOf, sharedDatabase, storedFile } from '../helpers/shared-store.ts'

const space = { model: 'clip', recipe: 'first' }

describeDatabase('cluster', (newPlace) => {
  const shared = sharedDatabase(newPlace)
  const reason =
    clusterWorkers.length > 0 ? '' : ' (skipped: TEST_CLUSTER_WORKERS names no servers)'

  test.skipIf(reason === '')('a server without Citus is told what it lacks', async () => {
    // Installed or not, it is not loaded here.
    const message = expect.stringMatching(/install it|shared_preload_libraries/) as string
    const refusal = { code: 'database_unavailable', message }
    await expect(initCluster(shared.db)).rejects.toMatchObject(refusal)
    await expect(readClusterStatus(shared.db)).rejects.toMatchObject({ code: 'bad_input' })
  })

  test.skipIf(reason !== '')(`init changes nothing the second time${reason}`, async () => {
    expect(await initCluster(shared.db)).toEqual({ distributed: [], reference: [] })
    const { nodes } = await readClusterStatus(shared.db)
    expect(nodes.map(({ answers }) => answers)).toEqual(Array(clusterWorkers.length + 1).fill(true))
  })

  test.skipIf(reason !== '')(`rows of one picture lie on one node${reason}`, async () => {
    await writeBatch(shared.db, space, {
      files: ['a', 'b', 'c'].map((n) => storedFile(n)),
      failures: [],
    })
    const tables = ['contents', 'paths', 'embeddings', 'changes', 'claims', 'fill_failures']
    for (const name of ['a', 'b', 'c']) {
      const nodes = await Promise.all(
        tables.map(async (table) => (await placeOf(shared.db, table, hashOf(name))).port),
      )
      expect(new Set(nodes).size).toBe(1)
    }
  })

  test.skipIf(reason !== '')(
    `no number is passed that a node has not confirmed${reason}`,
    async () => {
      const files = Array.from({ length: 20 }, (_, i) => storedFile(`picture ${i}`))
      await writeBatch(shared.db, space, { files, failures: [] })
      const { sequence } = await readChanges(shared.db, space, 0, 100)
      const early = files[0]!.hash
      const place = await placeOf(shared.db, 'changes', early)
      const late = (
        await Promise.all(files.map(({ hash }) => placeOf(shared.db, 'changes', hash)))
      ).find(({ shard }) => shard !== place.shard)!
      // What a node leaves that dies after the coordinator has committed: prepared, and not seen.
      const draw = async () => {
        const [row] = await rows<{ n: number }>(
          shared.db,
          sql`select nextval('changes_seq')::int as n`,
        )
        return row!.n
      }
      const [lower, higher] = [await draw(), await draw()]
      const [database] = await rows<{ name: string }>(
        shared.db,
        sql`select current_database() as name`,
      )
      const gid = `citus_0_99999_999999_${Date.now()}`
      const node = new Client({
        connectionString: Object.assign(new URL(clusterWorkers[0]!), {
          port: String(place.port),
          pathname: `/${database!.name}`,
        }).href,
      })
      await node.connect()
      await node.query('set citus.enable_manual_changes_to_shards = on')
      await node.query('begin')
      await node.query(
        `update changes_${place.shard} set seq = ${lower} where content = decode('${early}', 'hex')`,
      )
      await node.query(`prepare transaction '${gid}'`)
      await shared.db.execute(
        sql`insert into pg_dist_transaction (groupid, gid) values (${place.group}, ${gid})`,
      )
      await shared.db.execute(
        sql`update changes set seq = ${higher} where content = decode(${late.hash}, 'hex')`,
      )
      const page = await readChanges(shared.db, space, sequence, 100)
      expect(page.changes.map(({ content }) => content)).toEqual([early, late.hash])
      await node.end()
    },
  )
})

interface Place {
  readonly hash: string
  readonly shard: string
  readonly group: number
  readonly port: number
}

/** Where a content's rows of a table are. */
async function placeOf(db: Database, table: string, hash: string): Promise<Place> {
  const [place] = await rows<Place>(
    db,
    sql`select ${hash} as hash, p.shardid::text as shard, p.groupid as group, n.nodeport as port
        from pg_dist_placement p join pg_dist_node n on n.groupid = p.groupid
        where p.shardid = get_shard_id_for_distribution_column(${table}, decode(${hash}, 'hex'))`,
  )
  return place!
}
