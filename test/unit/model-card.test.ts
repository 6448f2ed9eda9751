// The cards of the built-in models: they say what such cards should, and their figures are those that
// were measured; and only names of models lead to one.
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { readModelCard } from '../../src/model-card.ts'
import { runCaptured } from '../helpers/cli.ts'

const SECTIONS = [
  'What it is',
  'Intended use',
  'Training data and terms',
  'Measured quality',
  'Measured bias',
  'Limits',
  'Training time and energy',
]

describe.each(['lucida-clip-1', 'lucida-unclip-1'])('the card of %s', (name) => {
  test('has every section, and nothing that was left to fill in', async () => {
    const card = await readModelCard(name)
    const headings = [...card.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)
    expect(headings).toEqual(SECTIONS)
    expect(card).not.toMatch(/\$[a-z]/)
    expect(card).toContain('non-commercial')
    expect(card).toContain('Energy was not metered')
  })
})

test('the card of lucida-clip-1 has the figures of its audit', async () => {
  const card = await readModelCard('lucida-clip-1')
  const file = new URL('../../training/clip/bias.json', import.meta.url)
  const { report } = JSON.parse(await readFile(file, 'utf8')) as {
    report: {
      model: string
      compositions: { title: string; maxSkew: { mean: number } | null }[]
      associations: { title: string; effect: number }[]
    }
  }
  expect(report.model).toBe('lucida-clip-1')
  for (const { title, maxSkew } of report.compositions) {
    if (maxSkew)
      expect(card).toMatch(new RegExp(`\\| ${title} \\|.*${maxSkew.mean.toFixed(2)} \\[`))
  }
  for (const { title, effect } of report.associations) {
    const row = card.split('\n').find((line) => line.startsWith(`| ${title}`))
    expect(row).toContain(` ${effect.toFixed(2)} [`)
  }
})

test('only names of models at hand lead to a card', async () => {
  for (const name of ['none', '../models/lucida-clip-1', '/etc', '']) {
    await expect(readModelCard(name)).rejects.toMatchObject({ code: 'not_found' })
  }
})

test('lucida models show prints it', async () => {
  const { out, code } = await runCaptured(['models', 'show', 'lucida-clip-1'])
  expect(code).toBe(0)
  expect(out).toContain('## Measured bias')
  expect((await runCaptured(['models', 'show', 'lucida-unclip-1'])).out).toContain(
    '# lucida-unclip',
  )
  const json = await runCaptured(['models', 'show', 'lucida-clip-1', '--json'])
  expect((JSON.parse(json.out) as { card: string }).card).toContain('## Measured bias')
})
