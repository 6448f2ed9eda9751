// How near an indexing run comes to what the machine can do: its pictures per second against
// 1 / (1/decode + 1/inference), each measured alone on all cores. Needs a build (npm run build).
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dot } from '../../src/core/vector.ts'
import { readPicture } from '../../src/sources/read-file.ts'
import { openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { openPicture } from '../../src/pictures/open-picture.ts'
import { unpack } from './datasets.ts'
import { makeLargePhotos } from './large-photos.ts'
import { printHeader } from './report.ts'
import { measureDecode, measureInference, measureRun } from './stages.ts'

const ROOT = join(import.meta.dirname, '../..')
const LARGE = 300
const SHARE = 0.85
const MAX_RSS_MB = 700

/** Runs the benchmark; exit code 1 when a run falls short. */
export async function run(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lucida-index-'))
  const large = join(ROOT, `.cache/bench/large-photos`)
  const small = join(folder, 'flickr8k-dev')
  try {
    await mkdir(small)
    await unpack('flickr8k-dev', small)
    await makeLargePhotos(large, LARGE)
    printHeader('index', 'lucida-clip-1', `${LARGE} JPEGs of 12 megapixels (made), flickr8k-dev`)
    await measure('12 megapixels', large, join(folder, 'data-large'))
    await measure('flickr8k-dev', small, join(folder, 'data-small'))
    await compareDecodeModes(large)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure(name: string, photos: string, dataDir: string): Promise<void> {
  const paths = (await readdir(photos)).map((file) => join(photos, file))
  const clip = openClip(await findModel('lucida-clip-1'), { threads: 0 })
  const decode = await measureDecode(clip, paths)
  const inference = await measureInference(clip, 32)
  await clip.close()
  const bound = 1 / (1 / decode + 1 / inference)
  const { perSecond, rssMb } = await measureRun(photos, { dataDir }, paths.length)
  const share = perSecond / bound
  if (share < SHARE || rssMb > MAX_RSS_MB) process.exitCode = 1
  console.log(`${name}: ${paths.length} pictures`)
  console.log(`  decode alone ${decode.toFixed(1)}/s, inference alone ${inference.toFixed(1)}/s`)
  console.log(`  together at most ${bound.toFixed(1)}/s; an indexing run ${perSecond.toFixed(1)}/s`)
  console.log(
    `  share ${share.toFixed(2)} (${SHARE} asked for), peak memory ${rssMb.toFixed(0)} MB (${MAX_RSS_MB} allowed)`,
  )
}

/**
 * Pixels as a run decodes them, which for a JPEG is shrunk by its decoder, against every pixel put
 * through the model's filter: speed, and the cosine of the two vectors.
 */
async function compareDecodeModes(photos: string): Promise<void> {
  const clip = openClip(await findModel('lucida-clip-1'), { threads: 0 })
  const paths = (await readdir(photos)).slice(0, 60).map((file) => join(photos, file))
  const cosines: number[] = []
  const tookMs = { shrunk: 0, full: 0 }
  for (const path of paths) {
    const { bytes } = await readPicture({ path })
    const picture = await openPicture(bytes, path)
    let startedAt = performance.now()
    const shrunk = await clip.preprocess(picture)
    tookMs.shrunk += performance.now() - startedAt
    startedAt = performance.now()
    const { data, info } = await picture.image().raw().toBuffer({ resolveWithObject: true })
    const size = { widthPx: info.width, heightPx: info.height }
    const whole = { data, ...size, channels: 3 } as const
    const full = await clip.preprocess({ ...picture, raster: async () => whole })
    tookMs.full += performance.now() - startedAt
    const [a, b] = await clip.embedPixels([shrunk, full])
    cosines.push(dot(a!, b!))
  }
  await clip.close()
  const mean = cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length
  const perPicture = (ms: number) => (ms / paths.length).toFixed(1)
  console.log(`decode modes on ${paths.length} of the 12-megapixel pictures, one at a time:`)
  console.log(
    `  shrunk while decoding (default) ${perPicture(tookMs.shrunk)} ms, every pixel ${perPicture(tookMs.full)} ms`,
  )
  console.log(
    `  cosine of the two: mean ${mean.toFixed(5)}, least ${Math.min(...cosines).toFixed(5)}`,
  )
}
