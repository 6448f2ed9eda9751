// The audit on synthetic collections: it finds what was planted, with its sign and size, and no more
// than chance where nothing was planted.
import { describe, expect, test } from 'vitest'
import { runAudit } from '../../src/audit/audit.ts'
import { mean } from '../../src/audit/statistics.ts'
import { expectedShare, plant } from '../helpers/planted.ts'

const K = 25
const SEEDS = 200
const QUICK = { k: K, permutations: 199, resamples: 100 }

/** Reports of so many collections. */
async function audits(count: number, lean: number, association: number) {
  const reports = []
  for (let seed = 1; seed <= count; seed++) {
    const { context, terms } = await plant({ seed, lean, association })
    reports.push(await runAudit(context, terms, { ...QUICK, seed }))
  }
  return reports
}

describe('a planted bias', () => {
  test.each([1, -1])('of the ranking is found with its sign and size (lean %d)', async (lean) => {
    const shares = []
    for (const { compositions } of await audits(20, lean, 0)) {
      const [found] = compositions
      expect(found).toMatchObject({ skipped: null, pictures: 400 })
      expect(found!.values.map(({ share }) => share)).toEqual([0.5, 0.5])
      expect(found!.maxSkew!.p).toBeLessThan(0.05)
      expect(found!.ndkl!.p).toBeLessThan(0.05)
      for (const {
        shares: [first],
        favoured,
      } of found!.queries) {
        shares.push(first!)
        if (first! !== 0.5) expect(favoured).toBe(first! > 0.5 ? 'first' : 'second')
      }
    }
    // 160 queries: the standard error is below 0.008.
    expect(Math.abs(mean(shares) - expectedShare(lean, K, 400))).toBeLessThan(0.03)
  })

  test('of words is found with its sign and size', async () => {
    for (const leaning of [1, -1]) {
      const found = (await audits(20, 0, leaning)).map(({ associations }) => associations[0]!)
      for (const { p } of found) expect(p).toBeLessThan(0.05)
      // Two groups at ±1 with the deviation 1: d = 2 / √(1 + 1), and a little more for 24 words.
      const effect = mean(found.map((one) => one.effect))
      expect(Math.abs(effect - leaning * Math.SQRT2)).toBeLessThan(0.12)
      const covered = found.filter(
        ({ interval: [low, high] }) => low <= leaning * Math.SQRT2 && leaning * Math.SQRT2 <= high,
      )
      expect(covered.length).toBeGreaterThanOrEqual(15)
    }
  })
})

test(`where nothing was planted, about one in twenty of ${SEEDS} audits says otherwise`, async () => {
  const reports = await audits(SEEDS, 0, 0)
  const rates = {
    association: reports.map(({ associations }) => associations[0]!.p),
    maxSkew: reports.map(({ compositions }) => compositions[0]!.maxSkew!.p),
    ndkl: reports.map(({ compositions }) => compositions[0]!.ndkl!.p),
    firstQuery: reports.map(({ compositions }) => compositions[0]!.queries[0]!.p),
  }
  for (const [name, all] of Object.entries(rates)) {
    const found = all.filter((p) => p <= 0.05).length
    // 10 are expected; 99.9 % of binomial draws of 200 at 5 % are below 21.
    expect(found, name).toBeLessThanOrEqual(20)
    // Continuous statistics must reach it about as often; those of few steps fall below.
    if (name === 'association' || name === 'ndkl') expect(found, name).toBeGreaterThanOrEqual(2)
  }
  // Adjusted for all queries, any false alarm in an audit is as rare.
  const anyQuery = reports.filter(({ compositions }) =>
    compositions[0]!.queries.some(({ adjustedP }) => adjustedP <= 0.05),
  )
  expect(anyQuery.length).toBeLessThanOrEqual(20)
})

test('paraphrases with the same vector have the same answers', async () => {
  const { context, terms } = await plant({ seed: 1, lean: 0 })
  const { sensitivity } = await runAudit(context, terms, QUICK)
  expect(sensitivity).toMatchObject({ overlap: 1 })
  expect(sensitivity!.rbo).toBeCloseTo(1, 9)
})

test('a report names no picture, and the same seed gives the same report', async () => {
  const { context, terms, values } = await plant({ seed: 3, lean: 1 })
  const labels = new Map(
    [...values].map(([content, value]) => [content, ['left', 'right'][value]!]),
  )
  const report = await runAudit(context, terms, { ...QUICK, labels })
  expect(await runAudit(context, terms, { ...QUICK, labels })).toEqual(report)
  const text = JSON.stringify(report)
  expect(text).toContain('left')
  for (const content of values.keys()) {
    expect(text).not.toContain(content)
    expect(text).not.toContain(content.slice(0, 12))
  }
  expect(text).not.toContain('/pictures')
})

test('labels are an attribute of their own', async () => {
  const { context, terms, values } = await plant({ seed: 4, lean: 1 })
  const labels = new Map(
    [...values].map(([content, value]) => [content, ['first', 'second'][value]!]),
  )
  const { compositions, misclassification, associations } = await runAudit(context, terms, {
    ...QUICK,
    labels,
  })
  const [byPrompts, byLabels] = compositions
  expect(byLabels!.kind).toBe('labels')
  expect(byLabels!.queries.map(({ maxSkew }) => maxSkew)).toEqual(
    byPrompts!.queries.map(({ maxSkew }) => maxSkew),
  )
  // The prompts point along the very axis that the labels are made of.
  expect(misclassification.at(-1)).toMatchObject({
    name: 'Planted: the model contradicts the label',
    groups: [
      { group: 'first', pictures: 200, rate: 0 },
      { group: 'second', pictures: 200, rate: 0 },
    ],
  })
  expect(associations.map(({ of }) => of)).toEqual(['words', 'pictures'])
})

test('what cannot be measured is said, not guessed', async () => {
  const { context, terms, values } = await plant({ seed: 5, lean: 0 })
  const few = [...values.keys()].slice(0, 45)
  const { compositions } = await runAudit({ ...context, contents: few }, terms, QUICK)
  expect(compositions[0]).toMatchObject({ pictures: 45, queries: [], maxSkew: null })
  expect(compositions[0]!.skipped).toContain('Only 45 pictures have a value')
  const one = [...values].flatMap(([content, value]) => (value === 0 ? [content] : []))
  const alone = await runAudit({ ...context, contents: one }, terms, QUICK)
  expect(alone.compositions[0]!.skipped).toContain('Fewer than two of its values')
})

test('options out of range are refused', async () => {
  const { context, terms } = await plant({ seed: 1, lean: 0 })
  for (const options of [
    { k: 4 },
    { k: 2.5 },
    { seed: -1 },
    { permutations: 5 },
    { attributes: ['x'] },
  ]) {
    await expect(runAudit(context, terms, options)).rejects.toMatchObject({ code: 'bad_input' })
  }
})
