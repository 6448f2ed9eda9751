// What a run of faults happens to: a database server, a server and two workers of Lucida on it behind
// a network that can be cut, a disk that can be filled, and a folder of pictures.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../helpers/own-postgres.ts'
import { type Album, openAlbum } from './album.ts'
import { whyNoClocks } from './clock.ts'
import { type Clients, openClients } from './clients.ts'
import { mountSmallDisk, type SmallDisk } from './disk.ts'
import { type Member, startMember, type Watch } from './fleet.ts'
import { type Network, openNetwork } from './network.ts'
import type { KillablePostgres } from './postgres.ts'

/** All of it. */
export interface World extends AsyncDisposable {
  readonly postgres: KillablePostgres
  readonly network: Network
  readonly disk: SmallDisk
  readonly server: Member
  readonly workers: readonly Member[]
  readonly members: readonly Member[]
  readonly watch: Watch
  readonly album: Album
  readonly clients: Clients
  /** Where Lucida keeps what is uploaded. */
  readonly storage: string
  /** Of the database, past the network. */
  readonly databaseUrl: string
  /** What cannot be injected here as it should be, and what happens instead. */
  readonly lacks: readonly string[]
}

const PICTURES_AT_FIRST = 60

/** Starts all the rest, and waits until it works; the database server is closed with it. */
export async function openWorld(seed: number, postgres: KillablePostgres): Promise<World> {
  const closers: (() => PromiseLike<void>)[] = [() => postgres[Symbol.asyncDispose]()]
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    return await openParts(seed, postgres, closers, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function openParts(
  seed: number,
  postgres: KillablePostgres,
  closers: (() => PromiseLike<void>)[],
  close: () => Promise<void>,
): Promise<World> {
  const use = <T extends AsyncDisposable>(part: T): T => {
    closers.push(() => part[Symbol.asyncDispose]())
    return part
  }
  const folder = await mkdtemp(join(tmpdir(), 'lucida-faults-'))
  closers.push(() => rm(folder, { recursive: true, force: true }))
  const network = use(await openNetwork(postgres.port))
  const disk = use(await mountSmallDisk(join(folder, 'disk')))
  const storage = join(disk.path, 'storage')
  await mkdir(storage)
  const album = await openAlbum(folder, seed)
  await album.add(PICTURES_AT_FIRST, 0.5)

  const urlAt = (port: number) => `postgres://lucida:lucida@127.0.0.1:${port}/postgres`
  const watch: Watch = { violations: [], startsThatFailed: 0 }
  const port = await freePort()
  const start = async (name: string, args: readonly string[], vectorIndex: string) => {
    const env = {
      DATABASE_URL: urlAt(network.port),
      VECTOR_INDEX: vectorIndex,
      LUCIDA_STORAGE: storage,
      LUCIDA_ALLOWED_ROOTS: album.folder,
      LUCIDA_THREADS: '1',
      LUCIDA_RATE_LIMIT: '0',
    }
    return use(await startMember({ name, folder: disk.path, args, env }, watch))
  }
  const serve = ['serve', '--port', String(port), '--no-worker']
  const server = await start('server', serve, 'exact')
  await server.ready()
  const workers = [
    await start('worker-1', ['worker'], 'exact'),
    await start('worker-2', ['worker'], 'hnsw'),
  ]
  for (const worker of workers) await worker.ready()
  const lacks = [
    disk.whyNot && `${disk.whyNot}: files are refused by the disk's port instead`,
    whyNoClocks,
  ].filter((lack) => lack !== null)
  return {
    postgres,
    network,
    disk,
    server,
    workers,
    members: [server, ...workers],
    watch,
    album,
    clients: openClients(`http://127.0.0.1:${port}`, album),
    storage,
    databaseUrl: urlAt(postgres.port),
    lacks,
    [Symbol.asyncDispose]: close,
  }
}
