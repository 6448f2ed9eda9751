// Vectors of whole data sets, kept in .cache/ between runs (derived from the data: never committed).
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pMapIterable } from 'p-map'
import { batch } from '../../src/core/stream.ts'
import type { UnitVector } from '../../src/core/vector.ts'
import type { Clip } from '../../src/models/clip.ts'
import { readPictures, readRows } from './datasets.ts'

const CACHE = join(import.meta.dirname, '../../.cache/bench')

/** Vectors of all pictures of one set, in the order of its rows. */
export async function embedSet(clip: Clip, name: string): Promise<UnitVector[]> {
  const { dimension, recipe } = clip.model
  const path = join(CACHE, `${name}-${recipe}.f32`)
  const rows = await readRows(name)
  const cached = await readFile(path).catch(() => null)
  if (cached?.length === rows.length * dimension * 4) {
    const all = new Float32Array(Uint8Array.from(cached).buffer)
    return rows.map((_, i) => all.subarray(i * dimension, (i + 1) * dimension) as UnitVector)
  }
  console.error(`embedding ${rows.length} pictures of ${name}`)
  const pictures = await readPictures(name)
  const pixels = pMapIterable(rows, ({ file }) => clip.preprocess(pictures.get(file)!), {
    concurrency: 4,
    backpressure: 64,
  })
  const vectors: UnitVector[] = []
  for await (const some of batch(pixels, 32)) vectors.push(...(await clip.embedPixels(some)))
  await mkdir(CACHE, { recursive: true })
  await writeFile(
    path,
    Buffer.concat(vectors.map((v) => Buffer.from(v.buffer, v.byteOffset, v.byteLength))),
  )
  return vectors
}
