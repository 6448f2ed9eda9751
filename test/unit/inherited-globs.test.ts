// A folder around an indexed one takes over its globs: they leave out the same files as before.
import { describe, expect, test } from 'vitest'
import { excludeMatcher } from '../../src/sources/exclude.ts'
import { globsWithin } from '../../src/store/roots.ts'

const EXCLUDE = ['private', 'raw/**', '/top', 'folder/']
const FILES = ['private/a.png', 'in/private/a.png', 'raw/a.png', 'in/raw/a.png', 'top', 'in/top']
const NAMES = [
  'Trip (2019)',
  '[2020] trip',
  '{a,b}',
  'a|b',
  'a\\b',
  'a*b',
  '**',
  'what?',
  '+(a)',
  '@(a)',
  '!(a)',
  '"a"',
  '(',
  '[',
  '$1',
]

describe.each(NAMES)('in a folder called %s', (name) => {
  const inner = `/photos/${name}`
  const before = excludeMatcher(inner, EXCLUDE)
  const after = excludeMatcher('/photos', globsWithin('/photos', { path: inner, exclude: EXCLUDE }))

  test('the same files are left out', () => {
    const paths = FILES.map((file) => `${inner}/${file}`)
    expect(paths.filter((path) => after(path))).toEqual(paths.filter((path) => before(path)))
    expect(paths.filter((path) => after(path))).not.toEqual([])
  })

  test('nothing beside it is', () => {
    const others = ['a', 'b', 'ab', 'axb', '2 trip', 'Trip 2019', 'whatx'].filter((n) => n !== name)
    expect(others.filter((other) => after(`/photos/${other}/raw/a.png`))).toEqual([])
  })
})
