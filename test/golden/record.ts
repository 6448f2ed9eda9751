// Records the golden vectors of the built-in model: `npm run golden`. Run it only when a change of
// model or preprocessing is meant to change vectors, and say so in the commit.
import { readFileSync, writeFileSync } from 'node:fs'
import sharp from 'sharp'
import { openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { GOLDEN_PICTURES, GOLDEN_TEXTS, type Golden } from './golden-inputs.ts'

const NAME = 'lucida-clip-1'

function versionOf(name: string): string {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

const rounded = (vector: Float32Array) => Array.from(vector, (value) => Number(value.toFixed(6)))

const clip = openClip(await findModel(NAME), { threads: 1 })
const texts = []
for (const text of GOLDEN_TEXTS) {
  const [vector] = await clip.embedTexts([text])
  texts.push({ text, vector: rounded(vector!) })
}
const pictures = []
for (const [name, draw] of Object.entries(GOLDEN_PICTURES)) {
  const pixels = await clip.preprocess(await draw().png().toBuffer())
  const [vector] = await clip.embedPixels([pixels])
  pictures.push({ name, vector: rounded(vector!) })
}
await clip.close()

const golden: Golden = {
  provenance: {
    tool: 'Lucida itself, one input at a time: this guards against unmeant change, it is no second opinion',
    versions: {
      node: process.versions.node,
      'onnxruntime-node': versionOf('onnxruntime-node'),
      '@huggingface/tokenizers': versionOf('@huggingface/tokenizers'),
      sharp: sharp.versions.sharp ?? 'unknown',
      libvips: sharp.versions.vips,
    },
    command: 'npm run golden',
    date: new Date().toISOString().slice(0, 10),
    tolerance: 'cosine >= 0.999',
    note: 'Inputs are in golden-inputs.ts; vectors are of unit length, rounded to 6 digits.',
  },
  model: NAME,
  recipe: clip.model.recipe,
  texts,
  pictures,
}
const path = new URL(`./${NAME}.json`, import.meta.url)
// One vector a line.
const text = JSON.stringify(golden, null, 2).replaceAll(/\[\s+(-?[\d.e-]+,?\s*)+\]/g, (numbers) =>
  numbers.replaceAll(/\s+/g, ''),
)
writeFileSync(path, `${text}\n`)
console.log(`recorded ${texts.length} texts and ${pictures.length} pictures of ${NAME}`)
