import { describe, expect, test } from 'vitest'
import { dot, normalize, type UnitVector } from '../../src/core/vector.ts'
import { embedLabels, scoreLabels } from '../../src/search/classify.ts'

const X = normalize([1, 0, 0])
const Y = normalize([0, 1, 0])
const Z = normalize([0, 0, 1])

describe('labels', () => {
  /** Notes the prompts; each gets a vector of its own. */
  const prompting = async (labels: readonly string[], templates: readonly string[]) => {
    let asked: readonly string[] = []
    const directions = await embedLabels(
      async (texts) => {
        asked = texts
        return texts.map((_, i) => [X, Y, Z][i % 3]!)
      },
      labels,
      templates,
    )
    return { asked, directions }
  }

  test('become captions', async () => {
    const { asked, directions } = await prompting(['cat', 'dog'], ['a photo of a {}'])
    expect(asked).toEqual(['a photo of a cat', 'a photo of a dog'])
    expect(directions).toEqual([X, Y])
  })

  test('are the average direction over several templates', async () => {
    const { asked, directions } = await prompting(
      ['cat', 'dog', 'cow'],
      ['{}', '{}: a photo of {}'],
    )
    expect(asked.slice(0, 3)).toEqual(['cat', 'cat: a photo of cat', 'dog'])
    const expected = [normalize([1, 1, 0]), normalize([1, 0, 1]), normalize([0, 1, 1])]
    directions.forEach((direction, i) => expect(dot(direction, expected[i]!)).toBeCloseTo(1, 6))
  })

  test('take the templates of a published set by its name, beside others', async () => {
    const { asked } = await prompting(['cat'], ['simple', 'my {}'])
    expect(asked).toHaveLength(8)
    expect(asked).toContain('itap of a cat.')
    expect(asked.at(-1)).toBe('my cat')
    expect(new Set((await prompting(['cat'], ['openai'])).asked).size).toBe(80)
  })

  test.each(['A$$AP', '$& and $1', "it's $'"])('are taken as they are: %s', async (label) => {
    expect((await prompting([label], ['a {}'])).asked).toEqual([`a ${label}`])
  })

  test.each([
    ['no labels', [], ['{}'], 'labels'],
    ['an empty label', ['cat', ' '], ['{}'], 'labels'],
    ['a label twice', ['cat', 'dog', 'cat'], ['{}'], 'labels'],
    ['a template without a place for the label', ['cat'], ['a photo'], 'template'],
    ['no templates', ['cat'], [], 'template'],
  ])('are refused with %s', async (_, labels, templates, name) => {
    await expect(prompting(labels, templates)).rejects.toMatchObject({
      code: 'bad_input',
      message: expect.stringContaining(name),
    })
  })
})

describe('scores', () => {
  const picture = normalize([3, 2, 1])
  const bank: UnitVector[] = [Z, normalize([1, 1, 1]), Y, normalize([-1, 0, 0])]
  const score = (mode: 'single' | 'multi', logitScale = 20) =>
    scoreLabels(picture, ['dog', 'cat', 'cow'], [Y, X, Z], { mode, logitScale, bank })

  test('of a single right label are a softmax over the scaled cosines, best first', () => {
    const scores = score('single')
    expect(scores.map(({ label }) => label)).toEqual(['cat', 'dog', 'cow'])
    expect(scores.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 9)
    const odds = Math.exp(20 * (dot(picture, X) - dot(picture, Y)))
    expect(scores[0]!.score / scores[1]!.score).toBeCloseTo(odds, 4)
  })

  test('stay numbers when the scale is huge', () => {
    expect(score('single', 1e6).map(({ score }) => score)).toEqual([1, 0, 0])
  })

  test('of a sole label are certain', () => {
    const how = { mode: 'single', logitScale: 20, bank } as const
    expect(scoreLabels(picture, ['cat'], [X], how)).toEqual([{ label: 'cat', score: 1 }])
  })

  test('of labels that stand alone are their percentiles in the bank', () => {
    // Of the four captions: X beats Z, Y and its opposite; Y ties with itself; Z ties with itself.
    expect(score('multi')).toEqual([
      { label: 'cat', score: 0.75 },
      { label: 'dog', score: 2.5 / 4 },
      { label: 'cow', score: 1.5 / 4 },
    ])
  })
})
