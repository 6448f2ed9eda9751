// The server that `npm run bench -- soak` looks at, in a process of its own: tells where it listens,
// and what it holds whenever it is asked.
import { readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createApi } from '../../src/api/app.ts'
import { startServer } from '../../src/api/server.ts'
import { openLucida } from '../../src/lucida.ts'

/** PGlite keeps its files open: as many as it has, at most a thousand. */
const DATABASE_FILES = 'file of the database'

/** What a process holds at one moment. */
export interface Held {
  readonly rss: number
  readonly heap: number
  readonly external: number
  readonly arrayBuffers: number
  /** Open file descriptors by what they are. */
  readonly descriptors: Readonly<Record<string, number>>
  /** What keeps the event loop alive, by type. */
  readonly handles: Readonly<Record<string, number>>
}

const [dataDir, databaseUrl] = process.argv.slice(2)
const lucida = await openLucida({ dataDir, databaseUrl })
const api = createApi(lucida, { onError: (error) => console.error(error) })
const ownDirectory = databaseUrl ? null : dataDir!
const server = await startServer(api, { host: '127.0.0.1', port: 0, ownDirectory })
await api.warmUp()

function hold(): Held {
  // What is garbage is not held.
  globalThis.gc?.()
  const { rss, heapUsed: heap, external, arrayBuffers } = process.memoryUsage()
  const handles = count(process.getActiveResourcesInfo())
  return { rss, heap, external, arrayBuffers, descriptors: count(descriptors()), handles }
}

function descriptors(): string[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [kindOf(readlinkSync(`/proc/self/fd/${fd}`))]
    } catch {
      return [] // The one that the list was read with.
    }
  })
}

/** Numbers of sockets and pipes say nothing. */
function kindOf(target: string): string {
  if (!target.startsWith('/')) return target.replace(/:?\[.*\]$/, '')
  return target.startsWith(join(dataDir!, 'database')) ? DATABASE_FILES : target
}

function count(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

process.on('message', (what) => {
  if (what === 'held') process.send!(hold())
  else {
    void server
      .close()
      .then(() => lucida.close())
      .then(() => process.exit(0))
  }
})
// Nobody is left to stop it.
process.on('disconnect', () => process.exit(1))
process.send!({ url: server.url })
