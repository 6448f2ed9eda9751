// One owner per embedded database directory: PGlite takes no lock of its own, and two processes
// writing to one directory destroy it. The owner listens on a socket in the directory; when it
// dies the kernel refuses connections to that socket, so a dead owner never blocks the next.
//
// POSIX cannot replace a file "only if it is still that dead socket": whoever removes or moves a
// dead owner.sock may hit the live one of a new owner. So each claimant first publishes a live
// socket under a name of its own, never used again, and then looks at the others. Of two
// claimants at least the later one sees the earlier; the one with the smaller name stays, the
// other withdraws. Nobody but the winner touches owner.sock.
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readdir, realpath, rename, rm, stat } from 'node:fs/promises'
import { type Server, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MAX_SOCKET_PATH_BYTES } from '../core/directory-socket.ts'
import { LucidaError, messageOf, systemCode } from '../core/errors.ts'
import { sha256 } from '../core/hash.ts'

const PROBE_MS = 1_000
const ELECTION_MS = 10_000
const LITTER_MS = 60_000

/** The hold on a directory; ends with `release` or with the process. */
export interface Ownership {
  release(): Promise<void>
}

/**
 * Makes this process the one owner of `directory`, which is created if need be.
 * Throws `database_busy` when it has an owner, in this process or another.
 */
export async function claimDirectory(directory: string): Promise<Ownership> {
  try {
    await mkdir(directory, { recursive: true })
    // One directory, one socket, whatever links lead to it.
    const real = await realpath(directory)
    return await (process.platform === 'win32' ? claimPipe(real) : claimSocket(real))
  } catch (error) {
    if (error instanceof LucidaError) throw error
    throw new LucidaError(
      'database_unavailable',
      `The data directory ${directory} cannot be claimed (${messageOf(error)}); choose another with --data-dir`,
      { cause: error },
    )
  }
}

/** Where the sockets of a directory lie: `<stem>.sock`, and `<stem>-<token>.sock` of claimants. */
interface Place {
  readonly directory: string
  readonly folder: string
  readonly stem: string
  readonly owner: string
}

/** A listening socket of this process and its file. */
interface Seat {
  readonly server: Server
  readonly path: string
  readonly inode: number
}

/** A process that listens; its number is unknown when it is too busy to say it. */
interface Holder {
  readonly pid: number | undefined
}

/** Windows drops a pipe with its process and lets only one create it: no election needed. */
async function claimPipe(directory: string): Promise<Ownership> {
  const path = `\\\\.\\pipe\\lucida-${sha256(directory.toLowerCase()).slice(0, 16)}`
  try {
    const server = await listen(path)
    return { release: () => close(server) }
  } catch (error) {
    if (systemCode(error) !== 'EADDRINUSE' && systemCode(error) !== 'EACCES') throw error
    throw busy(directory, await probe(path))
  }
}

async function claimSocket(directory: string): Promise<Ownership> {
  const place = placeOf(directory)
  const deadline = Date.now() + ELECTION_MS
  while (Date.now() < deadline) {
    await refuseIfOwned(place)
    const seat = await stand(place)
    try {
      if (await isElected(place, seat, deadline)) {
        await removeLitter(place)
        await rename(seat.path, place.owner)
        return ownershipOf({ ...seat, path: place.owner })
      }
    } catch (error) {
      await leave(seat)
      throw error
    }
    await leave(seat)
    await sleep(10 + Math.random() * 40)
  }
  throw busy(directory, undefined)
}

function placeOf(directory: string): Place {
  const place = (folder: string, stem: string): Place => ({
    directory,
    folder,
    stem,
    owner: join(folder, `${stem}.sock`),
  })
  const inside = place(directory, 'owner')
  if (Buffer.byteLength(socketPath(inside, newToken())) <= MAX_SOCKET_PATH_BYTES) return inside
  return place('/tmp', `lucida-${sha256(directory).slice(0, 16)}`)
}

/** Publishes a live socket under a new name, never one that is bound but does not listen yet. */
async function stand(place: Place): Promise<Seat> {
  const path = socketPath(place, newToken())
  const unpublished = path.replace(/sock$/, 'new')
  const server = await listen(unpublished)
  try {
    await chmod(unpublished, 0o600)
    const { ino: inode } = await stat(unpublished)
    await rename(unpublished, path)
    return { server, path, inode }
  } catch (error) {
    await close(server)
    throw error
  }
}

/**
 * Whether no other claimant is left; false when this one has to withdraw. The order matters: the
 * winner moves from its own name to owner.sock, so whoever was missed under the first name is
 * found under the second.
 */
async function isElected(place: Place, mine: Seat, deadline: number): Promise<boolean> {
  while (Date.now() < deadline) {
    const live = await liveClaimants(place, mine)
    await refuseIfOwned(place)
    if (live.length === 0) return true
    if (live.some((path) => path < mine.path)) return false
    // The others see this claim and withdraw, except one that had looked around before it.
    await sleep(20)
  }
  return false
}

async function liveClaimants(place: Place, mine: Seat): Promise<string[]> {
  const pattern = new RegExp(`^${place.stem}-[0-9a-f]{12}\\.sock$`)
  const names = (await readdir(place.folder)).filter((name) => pattern.test(name))
  const paths = names.map((name) => join(place.folder, name)).filter((path) => path !== mine.path)
  const live = await Promise.all(
    paths.map(async (path) => {
      if (await probe(path)) return [path]
      // Left by a killed claimant. In /tmp it may be another user's, who will remove it.
      await rm(path, { force: true }).catch(() => {})
      return []
    }),
  )
  return live.flat()
}

/** Removes sockets of claimants that were killed before they could publish them. */
async function removeLitter({ folder, stem }: Place): Promise<void> {
  const pattern = new RegExp(`^${stem}-[0-9a-f]{12}\\.new$`)
  for (const name of (await readdir(folder)).filter((name) => pattern.test(name))) {
    const path = join(folder, name)
    const made = await stat(path).catch(() => undefined)
    // A young one may be about to be published.
    if (made && Date.now() - made.mtimeMs > LITTER_MS)
      await rm(path, { force: true }).catch(() => {})
  }
}

async function refuseIfOwned(place: Place): Promise<void> {
  const holder = await probe(place.owner)
  if (holder) throw busy(place.directory, holder)
}

function ownershipOf(seat: Seat): Ownership {
  let released: Promise<void> | undefined
  return { release: () => (released ??= leave(seat)) }
}

/** Takes the file away while the socket still answers: nobody else can have put theirs there. */
async function leave({ server, path, inode }: Seat): Promise<void> {
  // Unless somebody deleted ours by hand, and a new owner came.
  const found = await stat(path).catch(() => undefined)
  if (found?.ino === inode) await rm(path, { force: true })
  await close(server)
}

/** A server that tells its process number to whoever connects and never keeps the process alive. */
function listen(path: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.unref()
    socket.on('error', () => {})
    socket.end(`${process.pid}\n`, () => socket.destroy())
  })
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(path, () => resolve(server.unref()))
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

/** Who listens at `path`; nobody when there is no file or its process is gone. */
async function probe(path: string): Promise<Holder | undefined> {
  const deadline = Date.now() + PROBE_MS
  for (;;) {
    const answer = await ask(path, Math.max(deadline - Date.now(), 100))
    if (answer !== 'unclear') return answer
    if (Date.now() >= deadline) return { pid: undefined }
    await sleep(20)
  }
}

/** `unclear`: it hung up without a word, as an owner does that is just leaving. */
function ask(path: string, timeoutMs: number): Promise<Holder | undefined | 'unclear'> {
  return new Promise((resolve, reject) => {
    const socket = connect(path).setEncoding('utf8')
    // Connected but silent: a process too busy to answer, or stopped, still holds the directory.
    const timer = setTimeout(() => {
      resolve({ pid: undefined })
      socket.destroy()
    }, timeoutMs)
    let text = ''
    socket.on('data', (chunk: string) => (text += chunk))
    socket.on('error', (error) => {
      const code = systemCode(error) ?? ''
      if (['ENOENT', 'ECONNREFUSED', 'ENOTSOCK'].includes(code)) resolve(undefined)
      else if (['ECONNRESET', 'EPIPE', 'EAGAIN'].includes(code)) resolve('unclear')
      else reject(error)
    })
    socket.on('close', () => {
      clearTimeout(timer)
      const pid = Number.parseInt(text, 10)
      resolve(pid > 0 ? { pid } : 'unclear')
    })
  })
}

function socketPath({ folder, stem }: Place, token: string): string {
  return join(folder, `${stem}-${token}.sock`)
}

function newToken(): string {
  return randomBytes(6).toString('hex')
}

function busy(directory: string, holder: Holder | undefined): LucidaError {
  const owner = holder?.pid ? `process ${holder.pid}` : 'another process'
  return new LucidaError(
    'database_busy',
    `The data directory ${directory} is in use by ${owner}; wait for it to finish, or choose another with --data-dir`,
  )
}
