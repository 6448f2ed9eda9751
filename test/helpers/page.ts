// The page as a person has it: a server over drawn pictures on a port, and a browser that opens it.
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
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
    dataDir: join(folder, 'data'),
    databaseUrl: undefined,
    model: 'lucida-clip-1',
    vectorIndex: 'exact',
    host: '127.0.0.1',
    allowedRoots: [folder],
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

/** Whether everything that a page asked for came from its own server, and nothing was refused it. */
export interface Watched {
  readonly page: Page
  /** Errors of scripts and of the Content-Security-Policy. */
  readonly errors: readonly string[]
  readonly foreignRequests: readonly string[]
}

/** Opens a page as a fresh browser would. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  const page = await context.newPage()
  const errors: string[] = []
  const foreignRequests: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => {
    // An answer of 4xx is the server's to give; what the page makes of it is tested where it occurs.
    const isStatus = message.text().startsWith('Failed to load resource')
    if (message.type() === 'error' && !isStatus) errors.push(message.text())
  })
  page.on('request', (request) => {
    const isOwn =
      /^(data|blob):/.test(request.url()) || request.url().startsWith(new URL(url).origin)
    if (!isOwn) foreignRequests.push(request.url())
  })
  await page.goto(url)
  return { page, errors, foreignRequests }
}

/** What axe calls serious or critical on the page as it is. */
export async function findBarriers(page: Page): Promise<string[]> {
  await page.evaluate(
    readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'),
  )
  const { violations } = (await page.evaluate('axe.run()')) as AxeResults
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
}

interface AxeResults {
  readonly violations: readonly {
    readonly id: string
    readonly impact: string
    readonly nodes: readonly { readonly html: string }[]
  }[]
}

/** Lets a picture or another file fall onto the page, or pastes it. */
export async function giveFile(
  page: Page,
  how: 'drop' | 'paste',
  file: { name: string; type: string; bytes: Uint8Array },
): Promise<void> {
  const base64 = Buffer.from(file.bytes).toString('base64')
  await page.evaluate(`{
    const bytes = Uint8Array.from(atob(${JSON.stringify(base64)}), (letter) => letter.charCodeAt(0))
    const data = new DataTransfer()
    data.items.add(new File([bytes], ${JSON.stringify(file.name)}, { type: ${JSON.stringify(file.type)} }))
    const options = { bubbles: true, cancelable: true }
    const event = ${how === 'drop'}
      ? new DragEvent('drop', { ...options, dataTransfer: data })
      : new ClipboardEvent('paste', { ...options, clipboardData: data })
    document.body.dispatchEvent(event)
  }`)
}
