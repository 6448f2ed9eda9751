// Whole pipelines of preprocessing, from pixels to a tower's numbers, against transformers and open_clip
// (record-preprocess.py).
import { readFile } from 'node:fs/promises'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import { pixelRule, preprocessorConfig } from '../../src/models/pixel-rule.ts'
import { preprocess } from '../../src/models/preprocess.ts'
import { lcgNoise } from '../helpers/lcg.ts'

interface Golden {
  readonly rules: Readonly<Record<string, unknown>>
  readonly cases: readonly {
    readonly size: readonly [number, number]
    readonly rule: string
    /** Of the bytes that were normalised, [3, h, w]. */
    readonly sha256: string
    /** Every so many of the numbers. */
    readonly numbers: readonly number[]
  }[]
}

const text = await readFile(new URL('preprocess.json', import.meta.url), 'utf8')
const { rules, cases } = JSON.parse(text) as Golden

/**
 * Pillow 12 squashes what is more than a hundred times as tall as wide rows first, and rounds
 * otherwise than before; Lucida stays with the older way.
 */
const otherWay = ({ size, rule }: Golden['cases'][number]) =>
  size[1] > 100 * size[0] && ['siglip', 'open_clip, squashed'].includes(rule)

describe.each(Object.keys(rules))('the rule of %s', (name) => {
  const rule = pixelRule(preprocessorConfig.parse(rules[name]))
  const own = cases.filter((one) => one.rule === name && !otherWay(one))

  test.each(own)('on $size', async ({ size: [width, height], sha256: digest, numbers }) => {
    const raw = { width, height, channels: 3 } as const
    const file = await sharp(lcgNoise(width * height * 3), { raw })
      .png()
      .toBuffer()
    const found = await preprocess(file, rule)
    const plane = found.length / 3
    const bytes = Uint8Array.from(found, (value, i) => {
      const channel = Math.floor(i / plane)
      return Math.round((value * rule.std[channel]! + rule.mean[channel]!) * 255)
    })
    expect(sha256(bytes)).toBe(digest)
    const step = Math.floor(found.length / 12)
    numbers.forEach((value, i) => expect(Math.abs(found[i * step]! - value)).toBeLessThan(1e-6))
  })
})
