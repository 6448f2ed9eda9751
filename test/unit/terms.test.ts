import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseSource, parseTerms } from '../../src/cli/terms.ts'

let cwd: string
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'lucida-terms-'))
  await mkdir(join(cwd, 'beach'))
  await mkdir(join(cwd, 'folder.jpg'))
  for (const name of ['cat.jpg', 'My Cat.PNG', 'notes.txt']) await writeFile(join(cwd, name), '')
})
afterAll(() => rm(cwd, { recursive: true }))

/** As typed in a shell, without quotes. */
const parse = (line: string) => parseTerms(line.split(' '), cwd)
const badInput = expect.objectContaining({ code: 'bad_input' })

describe('words', () => {
  test('up to a sign are one term, with or without quotes', () => {
    expect(parse('a red car')).toEqual([{ text: 'a red car' }])
    expect(parseTerms(['a red car'], cwd)).toEqual([{ text: 'a red car' }])
    expect(parse('a red car + at night - snow')).toEqual([
      { text: 'a red car' },
      { text: 'at night', weight: 1 },
      { text: 'snow', weight: -1 },
    ])
  })

  test('may begin with a sign', () => {
    expect(parse('+ cat')).toEqual([{ text: 'cat', weight: 1 }])
    expect(parse('- 2:snow')).toEqual([{ text: 'snow', weight: -2 }])
  })

  test('may hold signs inside of them', () => {
    expect(parse('black-and-white c++ - rock+roll')).toEqual([
      { text: 'black-and-white c++' },
      { text: 'rock+roll', weight: -1 },
    ])
  })

  test.each(['', ' ', 'cat +', 'cat -', 'cat + - dog', '+ + cat', '-'])(
    'that leave a term empty are refused: "%s"',
    (line) => {
      expect(() => parse(line)).toThrow(badInput)
    },
  )
})

describe('a weight', () => {
  test.each([
    ['2:night', 2, 'night'],
    ['0.5:snow on trees', 0.5, 'snow on trees'],
    ['.25:fog', 0.25, 'fog'],
    ['2: night', 2, ' night'],
    ['2:3:00', 2, '3:00'],
  ])('comes before the term after a sign: %s', (words, weight, text) => {
    expect(parseTerms(['cat', '+', words], cwd)[1]).toEqual({ text, weight })
    expect(parseTerms(['cat', '-', words], cwd)[1]).toEqual({ text, weight: -weight })
  })

  test.each(['a2:night', '2 :night', '-2:night', '1e3:night', '2:', ':night', '1.:night'])(
    'is not seen in "%s"',
    (words) => {
      expect(parseTerms(['cat', '+', words], cwd)[1]).toEqual({ text: words, weight: 1 })
    },
  )

  test('is never seen in the first term, unless a sign is before it', () => {
    expect(parse('3:00 at night')).toEqual([{ text: '3:00 at night' }])
    expect(parse('2:cat')).toEqual([{ text: '2:cat' }])
  })

  test('goes with pictures as well', () => {
    expect(parse('cat + 0.5:./beach.jpg - 2:https://a.example/b.png')).toEqual([
      { text: 'cat' },
      { path: join(cwd, 'beach.jpg'), weight: 0.5 },
      { url: 'https://a.example/b.png', weight: -2 },
    ])
  })
})

describe('a source', () => {
  test.each(['http://a.example/b', 'https://a.example/c d.png?e=f', 'HTTPS://A.EXAMPLE'])(
    'is a URL: %s',
    (url) => {
      expect(parseSource(url, cwd)).toEqual({ url })
    },
  )

  test.each(['./cat', '../cat.jpg', '/photos/cat.jpg'])('is a path, there or not: %s', (name) => {
    expect(parseSource(name, '/home/me')).toEqual({
      path: { './cat': '/home/me/cat', '../cat.jpg': '/home/cat.jpg' }[name] ?? name,
    })
  })

  test.each(['cat.jpg', 'My Cat.PNG'])('is the picture file of that name: %s', (name) => {
    expect(parseSource(name, cwd)).toEqual({ path: join(cwd, name) })
  })

  test.each([
    ['the name of a folder', 'beach'],
    ['the name of a folder that looks like a picture', 'folder.jpg'],
    ['the name of a picture that is not there', 'dog.jpg'],
    ['the name of another file', 'notes.txt'],
    ['a word with a slash in it', 'black/white'],
    ['another kind of address', 'ftp://a.example/b.jpg'],
    ['dots', '...'],
  ])('is text when it is %s', (_, text) => {
    expect(parseSource(text, cwd)).toEqual({ text })
  })
})
