// Holds the made vectors against real ones: photographs and captions embedded by the built-in model.
import { join } from 'node:path'
import type { UnitVector } from '../../../src/core/vector.ts'
import { openClip } from '../../../src/models/clip.ts'
import { findModel } from '../../../src/models/registry.ts'
import { readRows } from '../datasets.ts'
import { embedSet } from '../embed.ts'
import { type Collection, describe } from './likeness.ts'
import { QUERIES, readVectors, rowsOf } from './vectors.ts'

/** Photographs of everyday life, like those that the captions are about. */
const PICTURES = ['flickr8k-train', 'coco-train', 'flickr8k-dev']
const CAPTIONED = 'flickr8k-dev'

/** Prints figures of as many made pictures as there are real ones, beside those of the real ones. */
export async function printLikeness(folder: string): Promise<void> {
  if (!process.env.LUCIDA_DATASETS) {
    console.log('SKIPPED: likeness to real vectors (LUCIDA_DATASETS names no folder)\n')
    return
  }
  const real = await readReal()
  const vectors = await readVectors(join(folder, 'vectors.f32'), 0, real.pictures.length)
  const made = describe({
    pictures: rowsOf(vectors),
    texts: rowsOf(await readVectors(join(folder, 'queries.f32'), 0, QUERIES)),
    own: rowsOf(await readVectors(join(folder, 'own.f32'), 0, QUERIES)),
  })
  console.log(
    `${real.pictures.length} pictures of ${PICTURES.join(', ')} and ${real.texts.length} captions, ` +
      `lucida-clip-1, beside as many made ones`,
  )
  console.log(`${''.padEnd(52)}   real   made`)
  for (const [name, value] of describe(real)) {
    const cells = [value, made.get(name)!].map((figure) => rounded(figure).padStart(7))
    console.log(`${name.padEnd(52)}${cells.join('')}`)
  }
  console.log('')
}

async function readReal(): Promise<Collection> {
  const clip = openClip(await findModel('lucida-clip-1'), { threads: 0 })
  const pictures: UnitVector[] = []
  for (const name of PICTURES) pictures.push(...(await embedSet(clip, name)))
  const captions = (await readRows(CAPTIONED)).map((row) => row.captions![0]!)
  const texts = await clip.embedTexts(captions)
  const own = await embedSet(clip, CAPTIONED)
  await clip.close()
  return { pictures, texts, own }
}

function rounded(figure: number): string {
  return Math.abs(figure) < 1 ? figure.toFixed(3) : figure.toFixed(1)
}
