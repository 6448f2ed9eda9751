// Term sets and labels as files: what is shipped is valid, and what is not says where.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hasAnyWord } from '../../src/audit/attribute.ts'
import { labelOf, readLabels } from '../../src/audit/labels.ts'
import {
  checkTermSets,
  findAttribute,
  loadTermSets,
  type PromptAttribute,
  type TermSets,
} from '../../src/audit/term-sets.ts'
import { sha256 } from '../../src/core/hash.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lucida-terms-'))
})
afterEach(() => rm(folder, { recursive: true }))

const file = async (name: string, text: string) => {
  await writeFile(join(folder, name), text)
  return join(folder, name)
}
const jsonCopy = (terms: TermSets) => JSON.parse(JSON.stringify(terms)) as TermSets

describe('term sets', () => {
  test('that are shipped name their source, and their queries name no attribute', async () => {
    const terms = await loadTermSets()
    for (const { source } of [...terms.associations, ...terms.attributes, terms.classes]) {
      expect(source).toMatch(/\b(19|20)\d\d\b/)
    }
    const attributes = terms.attributes.filter((one): one is PromptAttribute => 'values' in one)
    expect(attributes.map(({ name }) => name)).toEqual(['gender', 'age', 'skin-tone'])
    for (const attribute of attributes) {
      expect(attribute.limits).toContain('values')
      const words = attribute.values.flatMap((value) => value.words)
      for (const { name, phrases } of terms.queries) {
        for (const text of [name, ...phrases]) expect(hasAnyWord(text, words)).toBe(false)
      }
    }
  })

  test('are read from a file, and labels lie beside it', async () => {
    const terms = jsonCopy(await loadTermSets())
    const mine = { name: 'mine', title: 'Mine', source: 'me', limits: 'few', labels: 'mine.csv' }
    const path = await file('terms.json', JSON.stringify({ ...terms, attributes: [mine] }))
    const read = await loadTermSets(path)
    expect(findAttribute(read, 'mine')).toEqual({ ...mine, labels: join(folder, 'mine.csv') })
    expect(() => findAttribute(read, 'gender')).toThrow('Expected mine for attribute')
  })

  test('that are none say what is wrong', async () => {
    await expect(loadTermSets(join(folder, 'none.json'))).rejects.toThrow('Cannot read the terms')
    await expect(loadTermSets(await file('a.json', '{'))).rejects.toThrow('Cannot read the terms')
    const terms = await loadTermSets()
    const uneven = jsonCopy(terms)
    ;(uneven.attributes[0] as PromptAttribute).values[0]!.prompts.pop()
    expect(() => checkTermSets(uneven, 'here')).toThrow('here: Expected as many prompts')
    expect(() =>
      checkTermSets({ ...terms, attributes: [terms.attributes[0], terms.attributes[0]] }, 'here'),
    ).toThrow('each attribute once')
    expect(() => checkTermSets({ ...terms, queries: [] }, 'here')).toThrow('queries')
  })

  test('say which texts ask for the attribute itself', async () => {
    const gender = findAttribute(await loadTermSets(), 'gender') as PromptAttribute
    const words = gender.values.flatMap((value) => value.words)
    for (const text of ['a woman doctor', 'Men, at work', 'his bike']) {
      expect(hasAnyWord(text, words)).toBe(true)
    }
    for (const text of ['a doctor', 'a mango', 'the human body', '']) {
      expect(hasAnyWord(text, words)).toBe(false)
    }
  })
})

describe('labels', () => {
  const content = sha256('a')

  test.each([
    [
      'labels.csv',
      'path,label\na.jpg,one\n"b, c.jpg","t""wo"\r\n\n/x/d.jpg,three\nsub/e.jpg,four\n',
    ],
    ['labels.json', '{"a.jpg":"one","b, c.jpg":"t\\"wo","/x/d.jpg":"three","sub/e.jpg":"four"}'],
  ])('are found by path, by name and by id: %s', async (name, text) => {
    const labels = await readLabels(await file(name, text))
    expect(labels.size).toBe(4)
    expect(labelOf(labels, content, ['/anywhere/a.jpg'])).toBe('one')
    expect(labelOf(labels, content, ['/y/b, c.jpg'])).toBe('t"wo')
    expect(labelOf(labels, content, ['/y/z.jpg', '/x/d.jpg'])).toBe('three')
    expect(labelOf(labels, content, ['/y/d.jpg'])).toBeUndefined()
    expect(labelOf(labels, content, [join(folder, 'sub/e.jpg')])).toBe('four')
    expect(labelOf(new Map([[content, 'by id']]), content, [])).toBe('by id')
  })

  test.each([
    ['a.csv', 'a.jpg\n', 'line 1: Expected path,label'],
    ['a.csv', 'a.jpg,one\n,two\n', 'line 2: Expected path,label'],
    ['a.csv', 'path,label\n', 'Expected lines of path,label'],
    ['a.json', '["a.jpg"]', 'Expected an object from paths to labels'],
    ['a.json', '{"a.jpg":1}', 'Expected an object from paths to labels'],
    ['a.json', '{', 'is not valid JSON'],
  ])('that are none say so: %s %s', async (name, text, message) => {
    await expect(readLabels(await file(name, text))).rejects.toThrow(message)
  })

  test('that are not there are named', async () => {
    await expect(readLabels(join(folder, 'none.csv'))).rejects.toThrow('Cannot read the labels in')
  })
})
