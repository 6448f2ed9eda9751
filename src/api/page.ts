// The web page: files that the build has put into dist/web, read once and served from memory.
import { readdirSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Api } from './context.ts'

/** Beside dist/api, and where the sources find it too. */
const FOLDER = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/web' : '../web', import.meta.url),
)

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
}

/** Nothing from elsewhere; blob: and data: for pictures that were dropped or are placeholders. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const UNBUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Lucida</title>
<h1>Lucida</h1><p>The page is not built (npm run build). The API is described at <a href="/docs">/docs</a>.</p></html>`

interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly type: string
  readonly isHashed: boolean
}

/** Adds the page at `/` and its assets at their names. */
export function mountPage(app: Api, folder = FOLDER): void {
  const assets = readAssets(folder)
  const unbuilt = {
    bytes: Uint8Array.from(Buffer.from(UNBUILT)),
    type: TYPES['.html']!,
    isHashed: false,
  }
  assets.set('/', assets.get('/index.html') ?? unbuilt)
  for (const [path, { bytes, type, isHashed }] of assets) {
    app.get(path, (c) =>
      c.body(bytes, 200, {
        'content-type': type,
        'content-security-policy': PAGE_POLICY,
        'cache-control': isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
      }),
    )
  }
}

/** Only what is there now is served: no path of a request is ever looked up on the disk. */
function readAssets(folder: string): Map<string, Asset> {
  const assets = new Map<string, Asset>()
  const names = tryList(folder)
  for (const name of names) {
    const type = TYPES[extname(name)]
    if (!type) continue
    const path = `/${name.replaceAll('\\', '/')}`
    const bytes = Uint8Array.from(readFileSync(`${folder}/${name}`))
    // Vite puts what carries a hash of its content into assets/.
    assets.set(path, { bytes, type, isHashed: path.startsWith('/assets/') })
  }
  return assets
}

function tryList(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
  } catch {
    return []
  }
}
