import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, sep } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { excludeMatcher } from '../../src/sources/exclude.ts'
import { scanFolder } from '../../src/sources/scan.ts'
import type { SkippedEntry } from '../../src/sources/source.ts'

const isWindows = process.platform === 'win32'
const isRoot = process.getuid?.() === 0
const JPEG = Buffer.from([0xff, 0xd8, 0xff, 0xe0])

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lucida-scan-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function put(below: string, content: string | Uint8Array = ''): string {
  const path = join(root, ...below.split('/'))
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  return path
}

/** What a scan finds, as paths below the root, and what it reports. */
async function scan(exclude: string[] = [], folder = root) {
  const skipped: SkippedEntry[] = []
  const found: string[] = []
  const onSkip = (entry: SkippedEntry) => skipped.push(entry)
  for await (const { path } of scanFolder(folder, { exclude, base: root, onSkip })) {
    found.push(relative(root, path).replaceAll(sep, '/'))
  }
  return { found, skipped: skipped.map(({ path, kind }) => [kind, relative(root, path)]) }
}

/** Runs `change` once the first file is there; a folder is not listed before its turn. */
async function scanWhile(change: () => void) {
  const found: string[] = []
  const skipped: SkippedEntry[] = []
  const onSkip = (entry: SkippedEntry) => skipped.push(entry)
  for await (const { path } of scanFolder(root, { exclude: [], onSkip })) {
    if (found.length === 0) change()
    found.push(relative(root, path).replaceAll(sep, '/'))
  }
  return { found, skipped }
}

test('a file comes with its absolute path, size and modification time', async () => {
  const path = put('a.jpg', 'abc')
  for await (const file of scanFolder(relative(process.cwd(), root), { exclude: [] })) {
    expect(file).toEqual({ path, sizeBytes: 3, mtimeMs: statSync(path).mtimeMs })
  }
  expect.assertions(1)
})

describe('the order', () => {
  test('is that of the bytes of the whole path', async () => {
    const names = [
      'a/b.jpg',
      'a.b/c.jpg',
      'a.jpg',
      'a-.jpg',
      'a0.jpg',
      'a/b/c.jpg',
      'a b/c.jpg',
      'B.jpg',
      'z.jpg',
      'é.jpg', // one character
      'e\u0301.jpg', // e and an accent
      '\uff5e.jpg', // after the emoji in UTF-16, before it in UTF-8
      '😀.jpg',
      '😀/a.jpg',
      ...Array.from({ length: 40 }, (_, i) => `many/${i}.jpg`),
    ]
    for (const name of names) put(name)
    const { found } = await scan()
    const sorted = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    expect(found).toEqual(sorted)
  })

  test('holds for reports too', async () => {
    if (isWindows) return
    for (const name of ['a.jpg', 'c/d.jpg', 'f.jpg']) put(name)
    for (const name of ['b', 'c/a', 'c/e', 'g']) symlinkSync('a.jpg', join(root, name))
    const seen: string[] = []
    const onSkip = ({ path }: SkippedEntry) => seen.push(relative(root, path))
    for await (const { path } of scanFolder(root, { exclude: [], onSkip })) {
      seen.push(relative(root, path))
    }
    expect(seen).toEqual(['a.jpg', 'b', 'c/a', 'c/d.jpg', 'c/e', 'f.jpg', 'g'])
  })
})

describe('candidates', () => {
  test('are told by extension or by content', async () => {
    for (const name of ['a.JPG', 'b.heic', 'c.NEF', 'text-inside.png']) put(name, 'text')
    for (const name of ['no-extension', 'odd.xyz', 'empty.jpg']) {
      put(name, name === 'empty.jpg' ? '' : JPEG)
    }
    for (const name of ['notes', 'b.xyz', 'empty']) put(name, name === 'empty' ? '' : 'text')
    const { found, skipped } = await scan()
    expect(found).toEqual([
      'a.JPG',
      'b.heic',
      'c.NEF',
      'empty.jpg',
      'no-extension',
      'odd.xyz',
      'text-inside.png',
    ])
    expect(skipped).toEqual([])
  })

  test('are never files that promise something else', async () => {
    for (const name of ['a.mp4', 'b.PDF', 'c.zip', 'd.json', 'e.txt']) put(name, JPEG)
    expect((await scan()).found).toEqual([])
  })
})

test('hidden and junk entries are passed over silently', async () => {
  for (const name of [
    '.hidden.jpg',
    '._a.jpg',
    '.git/a.jpg',
    '@eaDir/a.jpg',
    'x/@eaDir/a.jpg',
    'node_modules/a.jpg',
    'System Volume Information/a.jpg',
    '$RECYCLE.BIN/a.jpg',
    '#recycle/a.jpg',
    'lost+found/a.jpg',
    'Thumbs.db',
    'desktop.ini',
    'unfinished.jpg.0123456789ab.tmp',
  ]) {
    put(name, JPEG)
  }
  put('kept.jpg')
  expect(await scan()).toEqual({ found: ['kept.jpg'], skipped: [] })
})

test('a root that is itself hidden is scanned, since somebody named it', async () => {
  put('.private/a.jpg')
  expect((await scan([], join(root, '.private'))).found).toEqual(['.private/a.jpg'])
})

describe('a raw file', () => {
  test('beside the camera’s own picture of the same name is left out', async () => {
    for (const name of ['A.CR2', 'a.jpg', 'b.nef', 'B.HEIC', 'c.dng', 'c.dng.jpg', 'd.arw'])
      put(name)
    put('sub/d.jpg')
    expect(await scan()).toEqual({
      found: ['B.HEIC', 'a.jpg', 'c.dng', 'c.dng.jpg', 'd.arw', 'sub/d.jpg'],
      skipped: [
        ['raw_beside_picture', 'A.CR2'],
        ['raw_beside_picture', 'b.nef'],
      ],
    })
  })

  test('counts when that picture is excluded, or is of another kind', async () => {
    for (const name of ['a.cr2', 'a.jpg', 'b.cr2', 'b.png']) put(name)
    expect(await scan(['*.jpg'])).toEqual({ found: ['a.cr2', 'b.cr2', 'b.png'], skipped: [] })
  })
})

describe.skipIf(isWindows)('links and special files', () => {
  test('links are reported and never followed: to files, folders, loops or nothing', async () => {
    put('a/b.jpg')
    symlinkSync(join(root, 'a', 'b.jpg'), join(root, 'file.jpg'))
    symlinkSync(root, join(root, 'a', 'loop'))
    symlinkSync('/nowhere', join(root, 'dangling.jpg'))
    expect(await scan()).toEqual({
      found: ['a/b.jpg'],
      skipped: [
        ['symbolic_link', 'a/loop'],
        ['symbolic_link', 'dangling.jpg'],
        ['symbolic_link', 'file.jpg'],
      ],
    })
  })

  test('a root that is a link is followed', async () => {
    put('real/a.jpg')
    symlinkSync('real', join(root, 'link'))
    expect((await scan([], join(root, 'link'))).found).toEqual(['link/a.jpg'])
  })

  test('a pipe named like a picture is reported and not opened', async () => {
    execFileSync('mkfifo', [join(root, 'x.jpg')])
    expect(await scan()).toEqual({ found: [], skipped: [['special_file', 'x.jpg']] })
  })

  test('a picture’s name that is no UTF-8 is reported', async () => {
    put('a.jpg')
    try {
      for (const extension of ['.jpg', '.txt']) {
        const parts = [Buffer.from(join(root, 'b')), Buffer.from([0xff]), Buffer.from(extension)]
        writeFileSync(Buffer.concat(parts), JPEG)
      }
    } catch {
      return // macOS does not allow such names.
    }
    expect(await scan()).toEqual({ found: ['a.jpg'], skipped: [['bad_name', 'b\ufffd.jpg']] })
  })

  // Root may read everything, so the test shows something only for other users.
  test.skipIf(isRoot)(
    `what may not be read is reported${isRoot ? ' (skipped: root reads everything)' : ''}`,
    async () => {
      put('a.jpg')
      put('closed/b.jpg')
      put('no-extension', JPEG)
      put('z.jpg')
      chmodSync(join(root, 'closed'), 0)
      chmodSync(join(root, 'no-extension'), 0)
      try {
        expect(await scan()).toEqual({
          found: ['a.jpg', 'z.jpg'],
          skipped: [
            ['unreadable_directory', 'closed'],
            ['unreadable_file', 'no-extension'],
          ],
        })
      } finally {
        chmodSync(join(root, 'closed'), 0o700)
      }
    },
  )
})

describe('changes during the scan', () => {
  test('what vanishes is passed over', async () => {
    for (const name of ['a.jpg', 'b/c.jpg', 'd/e.jpg', 'f.jpg', 'g.jpg']) put(name)
    const result = await scanWhile(() => {
      rmSync(join(root, 'b'), { recursive: true })
      rmSync(join(root, 'f.jpg'))
    })
    expect(result).toEqual({ found: ['a.jpg', 'd/e.jpg', 'g.jpg'], skipped: [] })
  })

  test('a root that goes away ends the scan with an error, since nothing was deleted', async () => {
    for (const name of ['a.jpg', 'b/c.jpg', 'd.jpg']) put(name)
    await expect(scanWhile(() => rmSync(root, { recursive: true }))).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('went away'),
    })
  })
})

describe('errors', () => {
  test('a missing root is not found', async () => {
    await expect(scan([], join(root, 'none'))).rejects.toMatchObject({ code: 'not_found' })
  })

  test('a root that is a file is bad input', async () => {
    await expect(scan([], put('a.jpg'))).rejects.toMatchObject({ code: 'bad_input' })
  })

  test('a cancelled scan stops', async () => {
    for (let i = 0; i < 50; i++) put(`${i}.jpg`)
    const controller = new AbortController()
    const found: string[] = []
    const run = async () => {
      for await (const file of scanFolder(root, { exclude: [], signal: controller.signal })) {
        found.push(file.path)
        if (found.length === 3) controller.abort()
      }
    }
    await expect(run()).rejects.toMatchObject({ code: 'cancelled' })
    expect(found).toHaveLength(3)
  })
})

describe('exclusion', () => {
  test.each<[string, string, boolean]>([
    ['*.gif', 'a.gif', true],
    ['*.gif', 'a/b/c.gif', true],
    ['*.gif', 'a.gif.jpg', false],
    ['private', 'private/a.jpg', true],
    ['private', 'x/private/y/a.jpg', true],
    ['private', 'private.jpg', false],
    ['private/', 'x/private/a.jpg', true],
    ['private/', 'x/private', false],
    ['/private', 'private/a.jpg', true],
    ['/private', 'x/private/a.jpg', false],
    ['2019/**', '2019/a/b.jpg', true],
    ['2019/**', 'x/2019/a.jpg', false],
    ['2019/*.jpg', '2019/a.jpg', true],
    ['2019/*.jpg', '2019/a/b.jpg', false],
    ['**/raw/*.tif', 'x/y/raw/a.tif', true],
    ['{a,b}', 'x/b/c.jpg', true],
    ['IMG_[0-9]*', 'IMG_1.jpg', true],
    ['!a.jpg', 'b.jpg', false],
    ['!a.jpg', '!a.jpg', true],
    ['*', 'a.jpg', true],
  ])('%s on %s: %s', (pattern, path, expected) => {
    expect(excludeMatcher(root, [pattern])(join(root, path))).toBe(expected)
  })

  test('a pattern for folders fits a folder', () => {
    expect(excludeMatcher(root, ['private/'])(join(root, 'private'), true)).toBe(true)
  })

  test('never fits the root or what lies outside', () => {
    const isExcluded = excludeMatcher(root, ['*', '**'])
    expect(isExcluded(root, true)).toBe(false)
    expect(isExcluded(dirname(root), true)).toBe(false)
    expect(isExcluded(join(dirname(root), 'a.jpg'))).toBe(false)
    expect(isExcluded(join(root, '..a.jpg'))).toBe(true)
  })

  test('an empty pattern is refused', () => {
    expect(() => excludeMatcher(root, [''])).toThrow('a pattern that is not empty')
    expect(() => excludeMatcher(root, ['/'])).toThrow('a pattern that is not empty')
  })

  test('a scan leaves excluded files out and does not enter excluded folders', async () => {
    for (const name of ['a.jpg', 'b.gif', 'private/c.jpg', 'x/private/d.jpg', 'x/e.jpg']) put(name)
    expect((await scan(['*.gif', 'private'])).found).toEqual(['a.jpg', 'x/e.jpg'])
  })

  test('a scan of a folder below the base follows the patterns of the base', async () => {
    for (const name of ['x/private/a.jpg', 'x/b.jpg']) put(name)
    expect((await scan(['x/private'], join(root, 'x'))).found).toEqual(['x/b.jpg'])
  })
})
