// The page as a person has it: a server over drawn pictures on a port, and a browser that opens it.
import { existsSync } from 'node:fs'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApi } from '../../src/api/app.ts'
import { startServer } from '../../src/api/server.ts'
import { type Lucida, openLucida, type PartialConfig } from '../../src/lucida.ts'
import { drawAlbum } from './album.ts'

/** A server with its pictures. */
export interface PageServer extends AsyncDisposable {
  readonly url: string
  readonly lucida: Lucida
  /** The folder of the album. */
  readonly album: string
}

/** What is there when the server starts. */
export interface PageOptions {
  /** The album is there and indexed, or there only, or not there at all. */
  readonly pictures?: 'indexed' | 'drawn' | 'none'
  readonly config?: PartialConfig
}

/** Starts one on a free port. */
export async function servePage(options: PageOptions = {}): Promise<PageServer> {
  const { pictures = 'indexed', config } = options
  if (!existsSync(join(import.meta.dirname, '../../dist/web/index.html'))) {
    throw new Error('dist/web is not built: npm run build')
  }
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'lucida-page-')))
  const album = join(folder, 'Photos')
  if (pictures !== 'none') await drawAlbum(album)
  const lucida = await openLucida({
    ...{ dataDir: join(folder, 'data'), databaseUrl: undefined, model: 'lucida-clip-0' },
    ...{ vectorIndex: 'exact', host: '127.0.0.1', allowedRoots: [folder] },
    ...config,
  })
  if (pictures === 'indexed') for await (const _ of lucida.index([album]));
  const api = createApi(lucida)
  const server = await startServer(api, { host: '127.0.0.1', port: 0 })
  await api.warmUp()
  return {
    url: server.url,
    lucida,
    album,
    async [Symbol.asyncDispose]() {
      await server.close()
      await lucida.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
