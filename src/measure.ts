// What this machine does with a model: pictures decoded and encoded per second, how long a text takes;
// for `lucida bench`. Each part is measured for some seconds, alone.
import { availableParallelism } from 'node:os'
import { describePicture } from './indexer/decode.ts'
import { readPicture } from './sources/read-file.ts'
import { scanFolder } from './sources/scan.ts'
import { type Clip, openClip } from './models/clip.ts'
import type { ModelSpec } from './models/manifest.ts'
import { preprocess } from './models/preprocess.ts'
import { batchFor, median } from './models/tuning.ts'
import type { Provider, ProviderChoice } from './core/provider.ts'
import { LucidaError } from './core/errors.ts'
import { makePhoto } from './pictures/encode-picture.ts'
import { type OpenedPicture, openPicture } from './pictures/open-picture.ts'

/** Pictures to decode; each is read when its turn comes. */
export interface SamplePictures {
  readonly from: string
  readonly pictures: readonly (() => Promise<OpenedPicture>)[]
}

/** Speed of decoding, resizing and describing on all cores. */
export interface DecodeSpeed {
  readonly perSecond: number
  /** Mean size of the pictures. */
  readonly megapixels: number
  /** Pictures that could not be decoded. */
  readonly failed: number
}

/** Speed of a model by itself. */
export interface EncodeSpeed {
  readonly perSecond: number
  readonly batch: number
  readonly textMs: number
  readonly provider: ProviderChoice
}

export interface MeasureOptions {
  /** For each measurement. */
  readonly forMs: number
  readonly threads: number
  readonly providers: readonly Provider[]
}

/** At most so many pictures of a folder are looked at, spread over all of it. */
const SAMPLE = 100
const PHOTO = { widthPx: 4000, heightPx: 3000 }

/** Pictures of `folder`, or photographs that are made here. Throws `not_found` where there are none. */
export async function samplePictures(folder: string | undefined): Promise<SamplePictures> {
  if (folder === undefined) {
    const photo = await makePhoto(PHOTO)
    return { from: 'a made photograph', pictures: [() => openPicture(photo)] }
  }
  const paths: string[] = []
  for await (const { path } of scanFolder(folder, { base: folder, exclude: [] })) paths.push(path)
  if (paths.length === 0) throw new LucidaError('not_found', `There is no picture in ${folder}`)
  const step = Math.max(1, paths.length / SAMPLE)
  const chosen = Array.from({ length: Math.min(SAMPLE, paths.length) }, (_, i) => {
    const path = paths[Math.floor(i * step)]!
    return async () => openPicture((await readPicture({ path })).bytes, path)
  })
  return { from: `${chosen.length} pictures of ${folder}`, pictures: chosen }
}

/** Decodes as an indexing run does, until the time is over. */
export async function measureDecode(
  model: ModelSpec,
  { pictures }: SamplePictures,
  { forMs }: Pick<MeasureOptions, 'forMs'>,
): Promise<DecodeSpeed> {
  const load = async (at: number) => {
    const picture = await pictures[at % pictures.length]!()
    await preprocess(picture, model.pixels)
    await describePicture(picture)
    return picture.widthPx * picture.heightPx
  }
  // Code is compiled by the first ones.
  await Promise.allSettled([load(0), load(1)])
  let [next, done, failed, pixels] = [0, 0, 0, 0]
  const startedAt = performance.now()
  const work = async () => {
    while (performance.now() - startedAt < forMs) {
      try {
        const size = await load(next++)
        pixels += size
        done++
      } catch (error) {
        if (!(error instanceof LucidaError)) throw error
        failed++
      }
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() + 1 }, work))
  const seconds = (performance.now() - startedAt) / 1000
  if (done === 0) throw new LucidaError('corrupt_image', 'None of the pictures can be decoded')
  return { perSecond: done / seconds, megapixels: pixels / done / 1e6, failed }
}

const BATCHES = [1, 4, 8, 16, 32]
const TEXTS = ['a dog runs along the beach', 'two people at a table', 'an old car in the rain']

/** Runs both towers of a model; `forMs` is for each of them. */
export async function measureEncode(
  model: ModelSpec,
  { forMs, threads, providers }: MeasureOptions,
): Promise<EncodeSpeed> {
  const clip = openClip(model, { threads, providers })
  try {
    const samples = await timeBatches(clip, forMs)
    const batch = batchFor(samples)
    const textMs = await timeTexts(clip, forMs)
    const perSecond = 1000 / median(samples.get(batch)!)
    return { perSecond, batch, textMs, provider: await clip.provider() }
  } finally {
    await clip.close()
  }
}

/** Milliseconds a picture by size of the batch. Sizes that would take too long are left out. */
async function timeBatches(clip: Clip, forMs: number): Promise<Map<number, number[]>> {
  const { heightPx, widthPx } = clip.model.pixels
  const pixels = new Float32Array(3 * heightPx * widthPx).map((_, i) => Math.sin(i))
  await clip.embedPixels([pixels])
  const samples = new Map<number, number[]>()
  let perPicture = 0
  for (const size of BATCHES) {
    if (size > 1 && perPicture * size > forMs) break
    const batch = Array<Float32Array>(size).fill(pixels)
    const times: number[] = []
    const startedAt = performance.now()
    do {
      const calledAt = performance.now()
      await clip.embedPixels(batch)
      times.push((performance.now() - calledAt) / size)
    } while (performance.now() - startedAt < forMs / BATCHES.length)
    samples.set(size, times)
    perPicture = Math.min(...times)
  }
  return samples
}

/** Median milliseconds of a text by itself. */
async function timeTexts(clip: Clip, forMs: number): Promise<number> {
  await clip.embedTexts([TEXTS[0]!])
  const times: number[] = []
  const startedAt = performance.now()
  do {
    const calledAt = performance.now()
    await clip.embedTexts([TEXTS[times.length % TEXTS.length]!])
    times.push(performance.now() - calledAt)
  } while (performance.now() - startedAt < forMs)
  return median(times)
}

/** Pictures a second of an indexing run, whose stages share the cores. */
export function indexSpeed(decode: number, encode: number): number {
  return 1 / (1 / decode + 1 / encode)
}
