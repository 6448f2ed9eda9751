// The built-in model on real photographs, where a data folder is at hand: guards preprocessing and
// tokenizing together. The whole program is measured by `npm run bench -- recall`.
import { expect, test } from 'vitest'
import { dot } from '../../src/core/vector.ts'
import { openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { readPictures, readRows } from '../bench/datasets.ts'
import { measuredRecall } from '../bench/measured.ts'

const name = 'finds photographs by their captions as its model card says'

if (process.env.LUCIDA_DATASETS) {
  test(name, async () => {
    const clip = openClip(await findModel('lucida-clip-1'), { threads: 0 })
    const rows = await readRows('flickr8k-dev')
    const files = await readPictures('flickr8k-dev')
    const pixels = await Promise.all(rows.map(({ file }) => clip.preprocess(files.get(file)!)))
    const pictures = await clip.embedPixels(pixels)
    const captions = rows.flatMap(({ captions = [] }, row) =>
      captions.map((text) => ({ text, row })),
    )
    const texts = await clip.embedTexts(captions.map(({ text }) => text))
    await clip.close()
    const found = captions.filter(({ row }, i) => {
      const own = dot(texts[i]!, pictures[row]!)
      return pictures.filter((picture) => dot(texts[i]!, picture) > own).length < 10
    })
    const [expected] = await measuredRecall([10])
    expect(Math.abs(found.length / captions.length - expected!)).toBeLessThan(0.01)
  })
} else {
  test.skip(`${name} (skipped: LUCIDA_DATASETS names no data folder)`, () => {})
}
