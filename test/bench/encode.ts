// Encoding with a CLIP of real size (ViT-B/32, whose weights may be random: they cost the same), on
// photographs of 12 megapixels: an indexing run against transformers.js and against what the machine
// can do. Needs a build (npm run build), and npm --prefix test/bench ci for transformers.js.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { link, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openClip } from '../../src/models/clip.ts'
import { withShrinkOnLoad } from '../../src/models/every-pixel.ts'
import type { ModelSpec } from '../../src/models/manifest.ts'
import { readRows } from './datasets.ts'
import { measureTexts } from './encode-text.ts'
import { adoptModel, howToExport, randomModelFolder } from './hub-model.ts'
import { makeLargePhotos } from './large-photos.ts'
import { printHeader } from './report.ts'
import { measureDecode, measureInference, measureRun } from './stages.ts'

const runFile = promisify(execFile)
const ROOT = join(import.meta.dirname, '../..')
const PHOTOS = join(ROOT, '.cache/bench/large-photos')
const ARCHITECTURE = 'ViT-B-32-quickgelu'
const BATCHES = [4, 8, 16, 32]
const PER_CALL = [1, 8]
const TEXTS = 65

/** What is aimed at: times transformers.js with and without shrinking, share of the bound, of the tower. */
const AIMS = { shrunk: 2, everyPixel: 1.3, share: 0.85, text: 1.1 }

/** Runs the benchmark on so many photographs (300), with the model folder LUCIDA_BENCH_MODEL; exit code 1 when an aim is missed. */
export async function run(args: string[]): Promise<void> {
  const count = Number(args[0] ?? 300)
  const folder = process.env.LUCIDA_BENCH_MODEL || randomModelFolder(ARCHITECTURE)
  if (!folder)
    throw new Error(
      `No model to measure with. Make one: ${howToExport(ARCHITECTURE)}; or name a folder with LUCIDA_BENCH_MODEL`,
    )
  if (!existsSync(join(ROOT, 'test/bench/node_modules/@huggingface/transformers'))) {
    throw new Error('transformers.js is not installed: npm --prefix test/bench ci')
  }
  await makeLargePhotos(PHOTOS, count)
  const place = await mkdtemp(join(PHOTOS, '../encode-'))
  try {
    const photos = join(place, 'photos')
    await linkPhotos(photos, count)
    const model = await adoptModel(folder, join(place, 'model'), 'bench', { contextLength: 77 })
    printHeader('encode', folder, `${count} JPEGs of 12 megapixels (made)`)
    const peer = await measurePeer(folder, place, photos, count)
    const inference = await inferenceAlone(model)
    await measureLucida({ model, photos, place, inference, peer, shrinkOnLoad: true })
    await measureLucida({ model, photos, place, inference, peer, shrinkOnLoad: false })
    await measureText(model)
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}

/** The first `count` of the photographs, however many others lie there; a scan follows no symbolic links. */
async function linkPhotos(photos: string, count: number): Promise<void> {
  await mkdir(photos)
  const names = (await readdir(PHOTOS)).sort().slice(0, count)
  for (const name of names) await link(join(PHOTOS, name), join(photos, name))
}

/** transformers.js, as fast as it goes in its documented use. Returns pictures per second. */
async function measurePeer(folder: string, place: string, photos: string, count: number) {
  const models = join(place, 'peer')
  await mkdir(join(models, 'clip'), { recursive: true })
  for (const name of ['onnx', 'preprocessor_config.json']) {
    await symlink(join(folder, name), join(models, 'clip', name))
  }
  // It chooses the class of a model by this name, which exports of open_clip do not have.
  await writeFile(join(models, 'clip/config.json'), JSON.stringify({ model_type: 'clip' }))
  const child = join(import.meta.dirname, 'encode-peer.ts')
  let best = 0
  for (const perCall of PER_CALL) {
    const args = ['--import', 'tsx', child, models, 'clip', photos, String(count), String(perCall)]
    const { stdout } = await runFile(process.execPath, args, { cwd: ROOT })
    const { perSecond, rssMb, version } = JSON.parse(stdout.trim().split('\n').at(-1)!)
    const how = perCall === 1 ? 'one picture a call' : `${perCall} pictures a call`
    console.log(
      `transformers.js ${version}, ${how}: ${perSecond.toFixed(2)}/s, peak memory ${rssMb.toFixed(0)} MB`,
    )
    best = Math.max(best, perSecond)
  }
  return best
}

async function inferenceAlone(model: ModelSpec): Promise<number> {
  const clip = openClip(model, { threads: 0 })
  let best = 0
  for (const size of BATCHES) {
    const perSecond = await measureInference(clip, size)
    console.log(`inference alone, batches of ${size}: ${perSecond.toFixed(2)}/s`)
    best = Math.max(best, perSecond)
  }
  await clip.close()
  return best
}

interface Measured {
  readonly model: ModelSpec
  readonly photos: string
  readonly place: string
  readonly inference: number
  readonly peer: number
  readonly shrinkOnLoad: boolean
}

async function measureLucida({ model, photos, place, ...measured }: Measured): Promise<void> {
  const { inference, peer, shrinkOnLoad } = measured
  const paths = (await readdir(photos)).map((name) => join(photos, name))
  const clip = openClip(withShrinkOnLoad(model, shrinkOnLoad), { threads: 0 })
  const decode = await measureDecode(clip, paths)
  await clip.close()
  const bound = 1 / (1 / decode + 1 / inference)
  const dataDir = join(place, `data-${shrinkOnLoad}`)
  const settings = { dataDir, model: model.directory, shrinkOnLoad }
  const { perSecond, rssMb } = await measureRun(photos, settings, paths.length)
  const share = perSecond / bound
  const times = perSecond / peer
  const aim = shrinkOnLoad ? AIMS.shrunk : AIMS.everyPixel
  if (share < AIMS.share || times < aim) process.exitCode = 1
  console.log(shrinkOnLoad ? 'shrunk on load (default):' : 'every pixel (shrinkOnLoad false):')
  console.log(
    `  decode and resize alone ${decode.toFixed(2)}/s, with inference at most ${bound.toFixed(2)}/s`,
  )
  console.log(`  an indexing run ${perSecond.toFixed(2)}/s, peak memory ${rssMb.toFixed(0)} MB`)
  console.log(
    `  share ${share.toFixed(2)} (${AIMS.share} asked for), ${times.toFixed(2)} times transformers.js (${aim} asked for)`,
  )
}

async function measureText(model: ModelSpec): Promise<void> {
  const rows = await readRows('flickr8k-dev')
  const texts = rows.slice(0, TEXTS).map(({ captions }) => captions![0]!)
  const clip = openClip(model, { threads: 0 })
  const times = await measureTexts(clip, texts, availableParallelism())
  await clip.close()
  const { lucidaMs, towerMs, paddedMs, tokens } = times
  const ratio = lucidaMs / towerMs
  if (ratio > AIMS.text) process.exitCode = 1
  console.log(`a new query of ${tokens} tokens (median of ${texts.length - 5} captions):`)
  console.log(
    `  Lucida ${lucidaMs.toFixed(1)} ms, the text tower alone ${towerMs.toFixed(1)} ms: ${ratio.toFixed(2)} (${AIMS.text} allowed)`,
  )
  console.log(
    `  the tower on texts padded to ${model.text.contextLength}: ${paddedMs.toFixed(1)} ms`,
  )
}
