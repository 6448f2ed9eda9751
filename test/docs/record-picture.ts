// Draws docs/search.png, the picture in the README: real searches in the pictures that Lucida draws.
// `npm run docs:picture`; needs a sans-serif font on the machine, as any desktop has.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp, { type OverlayOptions } from 'sharp'
import { drawDemoPictures } from '../../src/demo/draw.ts'
import { demoQueries } from '../../src/demo/queries.ts'
import { openLucida } from '../../src/lucida.ts'

// The first of the ten, as they come: nothing is picked because it looks good.
const QUERIES = demoQueries.slice(0, 3).map((query) => query.text)
const SHOWN = 5
const TILE = { width: 184, height: 138, gap: 12 }
const MARGIN = 24
const HEAD = 34
const ROW = HEAD + TILE.height + 36
const WIDTH = 2 * MARGIN + SHOWN * TILE.width + (SHOWN - 1) * TILE.gap
const HEIGHT = MARGIN + QUERIES.length * ROW

const folder = await mkdtemp(join(tmpdir(), 'lucida-picture-'))
try {
  await drawDemoPictures(join(folder, 'pictures'))
  const lucida = await openLucida({ dataDir: join(folder, 'data') })
  for await (const event of lucida.index([join(folder, 'pictures')])) {
    if (event.type === 'failure') throw new Error(event.reason)
  }
  const tiles: OverlayOptions[] = []
  const labels: string[] = []
  for (const [row, query] of QUERIES.entries()) {
    const top = MARGIN + row * ROW
    labels.push(text(MARGIN, top + 18, 17, '#e8e6e3', `$ lucida search ${query}`))
    const { results } = await lucida.search([{ text: query }], { limit: SHOWN })
    for (const [column, result] of results.entries()) {
      const left = MARGIN + column * (TILE.width + TILE.gap)
      tiles.push({ input: await tile(result.path), left, top: top + HEAD })
      const relevance =
        result.relevance === null ? '' : `  ${(result.relevance * 100).toFixed(0)} %`
      const caption = `${result.score.toFixed(3)}${relevance}`
      labels.push(text(left, top + HEAD + TILE.height + 18, 13, '#9aa4ad', caption))
    }
  }
  await lucida.close()
  const overlay = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">${labels.join('')}</svg>`
  await sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: '#16191d' } })
    .composite([...tiles, { input: Buffer.from(overlay), left: 0, top: 0 }])
    .png({ palette: true, quality: 90, effort: 10 })
    .toFile(join(import.meta.dirname, '../../docs/search.png'))
} finally {
  await rm(folder, { recursive: true, force: true })
}

function tile(path: string): Promise<Buffer> {
  const corner = `<svg width="${TILE.width}" height="${TILE.height}"><rect width="100%" height="100%" rx="6"/></svg>`
  return sharp(path)
    .resize(TILE.width, TILE.height, { fit: 'cover' })
    .composite([{ input: Buffer.from(corner), blend: 'dest-in' }])
    .png()
    .toBuffer()
}

function text(x: number, y: number, size: number, colour: string, words: string): string {
  return `<text x="${x}" y="${y}" font-family="DejaVu Sans Mono, monospace" font-size="${size}" fill="${colour}">${words}</text>`
}
