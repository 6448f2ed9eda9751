import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { dot, normalize } from '../../src/core/vector.ts'
import { type ModelSpec, TEXT_MODEL } from '../../src/models/manifest.ts'
import {
  loadNeutralBank,
  NEUTRAL_CAPTIONS,
  percentile,
  rememberRatings,
} from '../../src/search/relevance.ts'

describe('the percentile', () => {
  const picture = normalize([1, 0])
  /** A caption whose cosine to the picture is about `cosine`. */
  const caption = (cosine: number) => normalize([cosine, Math.sqrt(1 - cosine ** 2)])
  const bank = [0.1, 0.2, 0.3, 0.4].map(caption)

  test.each([
    [-1, 0],
    [0.15, 0.25],
    [0.35, 0.75],
    [1, 1],
  ])('of score %d is the share of captions below it: %d', (score, expected) => {
    expect(percentile(bank, picture, score)).toBe(expected)
  })

  test('counts an equal caption half', () => {
    const same = [picture, picture, normalize([0, 1]), normalize([-1, 0])]
    expect(percentile(same, picture, 1)).toBe(3 / 4)
    expect(percentile([picture], picture, 1)).toBe(0.5)
  })

  test('is a share, and rises with the score', () => {
    const cosine = fc.double({ min: -1, max: 1, noNaN: true })
    fc.assert(
      fc.property(
        fc.array(cosine, { minLength: 1, maxLength: 20 }),
        cosine,
        cosine,
        (all, a, b) => {
          const captions = all.map(caption)
          const low = percentile(captions, picture, Math.min(a, b))
          const high = percentile(captions, picture, Math.max(a, b))
          expect(low).toBeGreaterThanOrEqual(0)
          expect(high).toBeGreaterThanOrEqual(low)
          expect(high).toBeLessThanOrEqual(1)
        },
      ),
    )
  })
})

test('remembered percentiles are those that counting gives, ties included', () => {
  const unit = fc
    .array(fc.integer({ min: -3, max: 3 }), { minLength: 3, maxLength: 3 })
    .filter((vector) => vector.some((value) => value !== 0))
    .map((vector) => normalize(vector))
  const pictures = fc.array(unit, { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(
      fc.array(unit, { minLength: 1, maxLength: 20 }),
      pictures,
      unit,
      (bank, all, query) => {
        const ratings = rememberRatings(bank)
        for (const round of [1, 2]) {
          for (const [i, picture] of all.entries()) {
            const score = dot(query, picture)
            const expected = percentile(bank, picture, score)
            const rated = ratings.find(String(i)) ?? ratings.rate(String(i), picture)
            expect(rated.percentile(score), `round ${round}`).toBe(expected)
          }
        }
      },
    ),
    { seed: 42 },
  )
})

describe('the bank', () => {
  let folder: string
  let cache: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lucida-bank-'))
    cache = join(folder, 'cache', 'deeper')
    await writeFile(join(folder, NEUTRAL_CAPTIONS), 'a bag\na ball\na beach\n')
  })
  afterEach(() => rm(folder, { recursive: true }))

  const embed = () =>
    vi.fn(async (texts: readonly string[]) => texts.map((text) => normalize([text.length, 1])))

  const model = (digest = 'a') => {
    const files = { [TEXT_MODEL]: { sizeBytes: 1, sha256: digest.repeat(64) } }
    const parts = { text: TEXT_MODEL }
    return { directory: folder, dimension: 2, files, parts } as unknown as ModelSpec
  }

  test('is one vector a line of the captions', async () => {
    const embedTexts = embed()
    const bank = await loadNeutralBank(model(), embedTexts, cache)
    expect(embedTexts).toHaveBeenCalledExactlyOnceWith(['a bag', 'a ball', 'a beach'])
    expect(bank).toEqual([normalize([5, 1]), normalize([6, 1]), normalize([7, 1])])
  })

  test('is of the built-in captions where the model has none', async () => {
    await rm(join(folder, NEUTRAL_CAPTIONS))
    const embedTexts = embed()
    const bank = await loadNeutralBank(model(), embedTexts, cache)
    expect(bank.length).toBeGreaterThan(100)
    expect(embedTexts).toHaveBeenCalledOnce()
  })

  test('is embedded once and then read back bit by bit', async () => {
    const first = await loadNeutralBank(model(), embed(), cache)
    const again = embed()
    expect(await loadNeutralBank(model(), again, cache)).toEqual(first)
    expect(again).not.toHaveBeenCalled()
  })

  test('is made again when its file was torn', async () => {
    const first = await loadNeutralBank(model(), embed(), cache)
    const [file] = await readdir(cache)
    await truncate(join(cache, file!), 9)
    expect(await loadNeutralBank(model(), embed(), cache)).toEqual(first)
    const again = embed()
    await loadNeutralBank(model(), again, cache)
    expect(again).not.toHaveBeenCalled()
  })

  test('is made anew for other weights and for other captions', async () => {
    await loadNeutralBank(model(), embed(), cache)
    const otherWeights = embed()
    await loadNeutralBank(model('b'), otherWeights, cache)
    expect(otherWeights).toHaveBeenCalled()
    await writeFile(join(folder, NEUTRAL_CAPTIONS), 'a bag\na ball\na beech\n')
    const otherCaptions = embed()
    await loadNeutralBank(model(), otherCaptions, cache)
    expect(otherCaptions).toHaveBeenCalled()
  })

  test('does without a cache that cannot be written', async () => {
    await mkdir(join(folder, 'cache'))
    await writeFile(cache, 'a file where the folder should be')
    expect(await loadNeutralBank(model(), embed(), cache)).toHaveLength(3)
  })
})
