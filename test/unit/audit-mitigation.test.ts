// Debiased queries and balanced rankings: what they do to a planted bias, and what they leave alone.
import { beforeAll, describe, expect, test } from 'vitest'
import { BALANCE_WINDOW, openAdjusting } from '../../src/audit/adjust.ts'
import { balancedOrder } from '../../src/audit/balance.ts'
import { openDebias } from '../../src/audit/debias.ts'
import { countValues, maxSkew, sharesOf } from '../../src/audit/skew.ts'
import { mean } from '../../src/audit/statistics.ts'
import type { PromptAttribute } from '../../src/audit/term-sets.ts'
import type { ContentHash } from '../../src/core/hash.ts'
import { dot, type UnitVector } from '../../src/core/vector.ts'
import type { EncodedQuery } from '../../src/search/query.ts'
import { rankByScore, type Reorder, type ScorePosition } from '../../src/search/rank.ts'
import { type Planted, plant } from '../helpers/planted.ts'

const K = 25
const EQUAL = [0.5, 0.5]

let planted: Planted
let subjects: readonly string[]
beforeAll(async () => {
  planted = await plant({ seed: 11, pictures: 600, lean: 1.5 })
  subjects = planted.terms.queries.map(({ name }) => name)
})

const encode = async (text: string): Promise<EncodedQuery> => {
  const [vector] = await planted.context.embedTexts([text])
  return { vector: vector!, isText: true, ownContents: new Set() }
}

/** One page of a ranking, or all of it. */
async function rank(
  query: EncodedQuery,
  options: {
    reorder?: Reorder
    limit?: number
    after?: ScorePosition
    without?: ContentHash[]
  } = {},
) {
  const { reorder, limit = 600, after, without = [] } = options
  return rankByScore(planted.context.index as never, query, {
    limit,
    offset: 0,
    without: new Set(without),
    minScore: -1000,
    among: undefined,
    after,
    reorder,
  })
}

const skewOf = (contents: readonly ContentHash[]) => {
  const values = contents.map((content) => planted.values.get(content)!)
  return maxSkew(sharesOf(countValues(values, K, 2)), EQUAL)
}

describe('debiasing', () => {
  test('takes the planted direction out of every query, and little else', async () => {
    const { context, terms } = planted
    for (const lambda of [0, 1000]) {
      const debias = await openDebias(
        context.embedTexts,
        terms.attributes[0] as PromptAttribute,
        terms,
        lambda,
      )
      for (const subject of subjects) {
        const { vector } = await encode(subject)
        const changed = debias(vector)
        expect(Math.abs(changed[0]!)).toBeLessThan(1e-6)
        const rest = Float32Array.from(vector)
        rest[0] = 0
        const cosine = dot(changed, rest) / Math.hypot(...rest)
        expect(cosine).toBeGreaterThan(0.99)
      }
    }
  })

  test('calibration brings pairs together that the prompts alone leave apart', async () => {
    const { context, terms } = planted
    const [attribute] = terms.attributes as PromptAttribute[]
    // The pairs of the queries differ along another axis, which no prompt of the attribute has.
    const embedTexts = async (texts: readonly string[]) =>
      (await context.embedTexts(texts)).map((vector, i) => {
        const copy = Float32Array.from(vector)
        if (texts[i]!.startsWith('a photo of a')) [copy[0], copy[40]] = [0, copy[0]!]
        return copy as UnitVector
      })
    const query = Float32Array.from((await encode(subjects[0]!)).vector)
    query[40] = 0.5
    const alone = await openDebias(embedTexts, attribute!, terms, 0)
    const calibrated = await openDebias(embedTexts, attribute!, terms)
    expect(Math.abs(alone(query as UnitVector)[40]!)).toBeGreaterThan(0.2)
    expect(Math.abs(calibrated(query as UnitVector)[40]!)).toBeLessThan(0.02)
  })

  test('lowers MaxSkew to what chance leaves', async () => {
    const { context, terms } = planted
    const debias = await openDebias(
      context.embedTexts,
      terms.attributes[0] as PromptAttribute,
      terms,
    )
    const [before, after] = [[] as number[], [] as number[]]
    for (const subject of subjects) {
      const query = await encode(subject)
      before.push(skewOf((await rank(query)).hits.map(({ content }) => content)))
      const changed = { ...query, vector: debias(query.vector) }
      after.push(skewOf((await rank(changed)).hits.map(({ content }) => content)))
    }
    expect(mean(before)).toBeGreaterThan(0.5)
    expect(mean(after)).toBeLessThan(0.25)
    for (const [i, skew] of after.entries()) expect(skew).toBeLessThan(before[i]!)
  })
})

describe('balancing', () => {
  const order = async (contents: readonly ContentHash[]) =>
    balancedOrder(
      contents.map((content) => planted.values.get(content)!),
      EQUAL,
    )
  const reorder: Reorder = { window: BALANCE_WINDOW, order }

  test('lowers MaxSkew to nothing, and changes who is in the window not at all', async () => {
    for (const subject of subjects) {
      const query = await encode(subject)
      const plain = (await rank(query)).hits.map(({ content }) => content)
      const balanced = (await rank(query, { reorder })).hits.map(({ content }) => content)
      expect(skewOf(plain)).toBeGreaterThan(0.2)
      // 12 and 13 of 25.
      expect(skewOf(balanced)).toBeLessThan(0.05)
      expect(balanced[0]).toBe(plain[0])
      expect(balanced.slice(0, BALANCE_WINDOW).sort()).toEqual(
        plain.slice(0, BALANCE_WINDOW).sort(),
      )
      expect(balanced.slice(BALANCE_WINDOW)).toEqual(plain.slice(BALANCE_WINDOW))
    }
  })

  test.each([7, 25, 199, 200, 201])('pages of %d are of one list', async (limit) => {
    const query = await encode(subjects[0]!)
    const whole = (await rank(query, { reorder })).hits
    const pages = []
    let after: ScorePosition | undefined
    for (;;) {
      const { hits, more } = await rank(query, { reorder, limit, ...(after && { after }) })
      pages.push(...hits)
      after = { ...hits.at(-1)!, seen: (after?.seen ?? 0) + hits.length }
      if (!more) break
    }
    expect(pages).toEqual(whole)
  })

  test('a page goes on where the picture that ended the page before is gone', async () => {
    const query = await encode(subjects[0]!)
    const whole = (await rank(query, { reorder })).hits
    for (const seen of [30, 250]) {
      const gone = whole[seen - 1]!
      const { hits } = await rank(query, {
        reorder,
        limit: 20,
        after: { ...gone, seen },
        without: [gone.content],
      })
      expect(hits).toHaveLength(20)
      const expected = whole.slice(seen, seen + 40).map(({ content }) => content)
      for (const { content } of hits.slice(2)) expect(expected).toContain(content)
    }
  })

  test('fewer pictures than the window are all balanced', async () => {
    const query = await encode(subjects[0]!)
    const keep = new Set((await rank(query)).hits.slice(0, 30).map(({ content }) => content))
    const without = [...planted.values.keys()].filter((content) => !keep.has(content))
    const { hits, more } = await rank(query, { reorder, without, limit: 30 })
    expect(new Set(hits.map(({ content }) => content))).toEqual(keep)
    expect(more).toBe(false)
  })
})

describe('a search', () => {
  const texts = new Map<string, UnitVector>()
  const embedTexts = async (all: readonly string[]) =>
    all.map((text) => {
      const known = texts.get(text)
      if (known) return known
      // Any vectors do: only what is changed at all is of interest here.
      const vector = Float32Array.from({ length: 8 }, (_, i) =>
        Math.sin(text.length * (i + 1) + (text.codePointAt(text.length >> 1) ?? 0)),
      )
      const length = Math.hypot(...vector)
      texts.set(text, vector.map((value) => value / length) as UnitVector)
      return texts.get(text)!
    })
  const none = { vectorsOf: async () => new Map(), findPictures: async () => new Map() }
  const open = () => openAdjusting(embedTexts, none)
  const query = async (text: string, isText = true): Promise<EncodedQuery> => {
    return { vector: (await embedTexts([text]))[0]!, isText, ownContents: new Set() }
  }

  test('is debiased only where it does not ask for the attribute and is all text', async () => {
    const plain = await query('a doctor')
    const changed = await open().debias('gender', plain, ['a doctor'])
    expect(changed.done).toEqual({ attribute: 'gender', leftAsItIs: null })
    expect(changed.query.vector).not.toEqual(plain.vector)
    expect(Math.hypot(...changed.query.vector)).toBeCloseTo(1, 5)
    const asked = await open().debias('gender', plain, ['a doctor', 'not Men'])
    expect(asked).toEqual({
      query: plain,
      done: { attribute: 'gender', leftAsItIs: 'asks_for_it' },
    })
    const picture = await query('a doctor', false)
    expect((await open().debias('gender', picture, [])).done.leftAsItIs).toBe('not_all_text')
  })

  test('is balanced only where it does not ask for the attribute', async () => {
    const { reorder, done } = await open().balance('age', ['a doctor'])
    expect(reorder?.window).toBe(BALANCE_WINDOW)
    expect(done).toEqual({ attribute: 'age', window: BALANCE_WINDOW, leftAsItIs: null })
    const asked = await open().balance('age', ['an elderly doctor'])
    expect(asked.reorder).toBeUndefined()
    expect(asked.done.leftAsItIs).toBe('asks_for_it')
  })

  test('by an unknown attribute is refused with those that there are', async () => {
    await expect(open().balance('height', [])).rejects.toThrow('gender or age or skin-tone')
    await expect(open().debias('height', await query('a'), ['a'])).rejects.toMatchObject({
      code: 'bad_input',
    })
  })
})
