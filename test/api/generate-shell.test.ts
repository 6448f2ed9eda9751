// lucida generate and search --generate, by themselves and beside a server, with a painter that does
// what the test says.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createApi } from '../../src/api/app.ts'
import { startServer } from '../../src/api/server.ts'
import { sha256 } from '../../src/core/hash.ts'
import { fromXmp } from '../../src/generate/provenance.ts'
import { openPicture } from '../../src/pictures/open-picture.ts'
import { runCaptured } from '../helpers/cli.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { useFakePainter } from '../helpers/fake-painter.ts'
import { drawPicture, makeBrokenPicture } from '../helpers/noise-pictures.ts'
import { openAt, writeDrawings } from '../helpers/open-lucida.ts'
import { newFolder, type TestFolder } from '../helpers/picture-folder.ts'
import { until } from '../helpers/until.ts'

const painter = useFakePainter()
const lines = (text: string) => text.split('\n').slice(0, -1)
const LINE = /^-?\d\.\d{3} {2}( *\d+\.\d%) {2}seed (\d+)/

describeDatabase('drawing from the shell', (newPlace) => {
  let place: TestPlace
  let pictures: TestFolder
  let folder: TestFolder
  const run = (args: readonly string[], world: Parameters<typeof runCaptured>[1] = {}) =>
    runCaptured([...args, '--data-dir', place.dataDir], { cwd: folder.path, ...world })

  beforeAll(async () => {
    place = await newPlace()
    pictures = await newFolder()
    folder = await newFolder()
    await writeDrawings(pictures)
    await run(['index', pictures.path])
  })
  afterEach(() => painter.reset())
  afterAll(async () => {
    await folder[Symbol.asyncDispose]()
    await pictures[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
  })

  async function serving() {
    const lucida = await openAt(place)
    const api = createApi(lucida)
    const server = await startServer(api, {
      host: '127.0.0.1',
      port: 0,
      ownDirectory: place.dataDir,
    })
    return {
      api,
      [Symbol.asyncDispose]: async () => {
        await server.close()
        await lucida.close()
      },
    }
  }
  const recordOf = async (path: string) => fromXmp((await openPicture(await readFile(path))).xmp)

  describe.each(['by itself', 'beside a server'])('%s', (where) => {
    let server: Awaited<ReturnType<typeof serving>> | undefined
    beforeAll(async () => {
      if (where === 'beside a server') server = await serving()
    })
    afterAll(async () => {
      await server?.[Symbol.asyncDispose]()
    })

    test('writes the best, and shows what all scored', async () => {
      const { code, out, err } = await run([
        'generate',
        'a',
        'dog',
        '--seed',
        '5',
        '-n',
        '3',
        '-o',
        'dog.png',
      ])
      expect([code, err]).toEqual([0, expect.stringMatching(/^best of 3: -?0\.\d{3}\n$/)])
      const shown = lines(out)
      expect(new Set(shown.map((line) => LINE.exec(line)![2]))).toEqual(new Set(['5', '6', '7']))
      expect(shown[0]).toMatch(/dog\.png$/)
      expect(shown.slice(1).join()).not.toContain('.png')
      const best = Number(LINE.exec(shown[0]!)![2])
      expect(await recordOf(folder.at('dog.png'))).toMatchObject({
        idea: { text: 'a dog' },
        seed: best,
      })
      expect(painter.orders).toMatchObject([{ seeds: [5, 6, 7], steps: 4, guidance: 2 }])
    })

    test('writes all of them, in other formats, with their marks', async () => {
      for (const [extension, format] of [
        ['jpg', 'jpeg'],
        ['webp', 'webp'],
      ]) {
        const { code, out } = await run([
          'generate',
          'snow',
          '-n',
          '2',
          '--all',
          '-o',
          `all.${extension}`,
        ])
        expect(code).toBe(0)
        for (const [i, line] of lines(out).entries()) {
          const path = folder.at(`all-${i + 1}.${extension}`)
          expect(line.endsWith(path)).toBe(true)
          expect((await sharp(path).metadata()).format).toBe(format)
          expect(await recordOf(path)).toMatchObject({ idea: { text: 'snow' } })
        }
      }
    })

    test('takes ideas of every kind', async () => {
      const red = pictures.at('red.png')
      const id = sha256(await readFile(red))
      const kinds: [string[], object][] = [
        [
          ['night', '+', red, '-', '2:people'],
          { mix: [{ text: 'night' }, { picture: id }, { text: 'people', weight: -2 }] },
        ],
        [['--like', id, '--variation', '0.4'], { mix: [{ picture: id }] }],
        [
          ['--between', red, '--and', 'a castle', '--at', '0.25'],
          { between: [{ picture: id }, { text: 'a castle' }], at: 0.25 },
        ],
        [
          ['--change', id, '--to', 'winter', '--from', 'summer', '--by', '0.5'],
          { change: { picture: id }, to: 'winter', from: 'summer', by: 0.5 },
        ],
        [['red', '--hits', '2'], { hitsOf: [{ text: 'red' }] }],
      ]
      for (const [args, idea] of kinds) {
        const { code, err } = await run(['generate', ...args, '-n', '1', '-o', 'idea.png'])
        expect([code, err]).toEqual([0, expect.any(String)])
        expect((await recordOf(folder.at('idea.png')))!.idea).toMatchObject(idea)
      }
    })

    test('begins with a picture, and says how it is to be drawn', async () => {
      await folder.write('mask.png', await drawPicture('#fff'))
      const id = sha256(await readFile(pictures.at('disc.png')))
      const how = ['--start', id, '--strength', '0.3', '--mask', 'mask.png', '--size', '200x150']
      const more = ['--steps', '3', '--guidance', '1.5', '--avoid', 'people', '--rounds', '2']
      const { code } = await run(['generate', 'fog', ...how, ...more, '-n', '1', '-o', 'fog.png'])
      expect(code).toBe(0)
      const [first, second] = painter.orders
      expect(first).toMatchObject({ steps: 3, guidance: 1.5, start: { strength: 0.3 } })
      expect(first!.start!.mask!.every((value) => value === 255)).toBe(true)
      expect(first!.negative).toBeDefined()
      expect(second).toMatchObject({ guidance: 2.25 })
      expect(await sharp(folder.at('fog.png')).metadata()).toMatchObject({
        width: 200,
        height: 150,
      })
      expect(await recordOf(folder.at('fog.png'))).toMatchObject({
        avoid: 'people',
        start: { picture: id },
      })
    })

    test('keeps the best, and draws the same only once', async () => {
      const args = ['generate', 'a', 'keepsake', where, '--keep', '-n', '2']
      const first = await run(args)
      expect(first.code).toBe(0)
      const path = /kept as (\S+)$/.exec(lines(first.out)[0]!)![1]!
      expect(path.startsWith(join(place.dataDir, 'drawn'))).toBe(true)
      expect(await readdir(folder.path)).not.toContainEqual(expect.stringMatching(/^lucida-/))
      const second = await run(args)
      expect(second).toMatchObject({ code: 0, out: `${path}\n` })
      expect(painter.orders).toHaveLength(1)
      const search = await run(['search', 'a', 'keepsake', '--generated', 'only', '-k', '100'])
      expect(search.out).toContain(`${path}  (generated)\n`)
      const plain = await run(['search', 'a', 'keepsake', '-k', '100', '--json'])
      const { results } = JSON.parse(plain.out) as {
        results: { path: string; generated: boolean }[]
      }
      expect(results.map((one) => one.path)).not.toContain(path)
      expect(results.every(({ generated }) => !generated)).toBe(true)
      const listed = await run(['search', '--generated', 'only', '--json'])
      expect(JSON.parse(listed.out)).toMatchObject({
        results: [expect.anything(), ...(where === 'by itself' ? [] : [expect.anything()])],
      })
      const facets = await run(['facets', '--generated', 'any'])
      expect(facets.out).toMatch(/\ngenerated\n +\d+ {2}no\n +\d+ {2}yes\n/)
    })

    test('prints one JSON document', async () => {
      const { code, out } = await run([
        'generate',
        'a',
        'dog',
        '-n',
        '2',
        '--json',
        '-o',
        'json.png',
      ])
      expect(code).toBe(0)
      expect(JSON.parse(out)).toMatchObject({
        candidates: [
          {
            path: folder.at('json.png'),
            passes: expect.any(Boolean) as boolean,
            nearest: expect.anything() as object,
          },
          { path: null },
        ],
        tries: [{ round: 1, guidance: 2 }],
        picture: null,
        path: null,
        offered: null,
      })
      expect(out).not.toContain('"png"')
    })

    test('draws what a search does not find', async () => {
      // No gif is indexed, so nothing is found.
      const args = ['search', 'a', 'green', 'fox', '--format', 'gif', '--generate']
      const { code, out, err } = await run(args)
      expect(code).toBe(0)
      expect(err).toContain('nothing relevant is indexed: drawing')
      expect(err).toContain('round 3 of 3')
      // Noise is not relevant, so it is not kept either.
      expect([out, err]).toEqual([
        '',
        expect.stringContaining('nothing that was drawn is relevant'),
      ])
      const json = await run([...args, '--json'])
      expect(JSON.parse(json.out)).toMatchObject({
        results: [],
        drawn: { picture: null, path: null },
      })
      const later = await run([...args, '--page', '2'])
      expect(later.err).not.toContain('drawing')
    })

    test('ends when it is interrupted, and leaves nothing behind', async () => {
      const before = [
        await readdir(folder.path),
        await readdir(join(place.dataDir, 'drawn')).catch(() => []),
      ]
      painter.hold()
      const interrupt = new AbortController()
      const running = run(['generate', 'fog', '--keep', '-o', 'never.png'], {
        signal: interrupt.signal,
      })
      await until(() => painter.active === 1)
      interrupt.abort()
      expect(await running).toMatchObject({ code: 130, out: '' })
      await until(() => painter.active === 0)
      const after = [
        await readdir(folder.path),
        await readdir(join(place.dataDir, 'drawn')).catch(() => []),
      ]
      expect(after).toEqual(before)
    })

    test('fails with what is wrong', async () => {
      await folder.write('broken.png', await makeBrokenPicture(1))
      const cases: [string[], RegExp][] = [
        [['generate', './nowhere.png'], /Cannot read .*nowhere\.png/],
        [['generate', 'fog', '--start', 'broken.png'], /./],
        [
          ['generate', 'fog', '--start', pictures.at('red.png'), '--mask', 'none.png'],
          /Cannot read .*none\.png/,
        ],
        [['generate', '--like', 'f'.repeat(64)], /f{64}/],
        [['generate', 'word '.repeat(10_000)], /4000/],
        [['generate', 'fog', '-o', 'no/such/folder/a.png', '-n', '1'], /Cannot write/],
        [['search', pictures.at('red.png'), '--generate'], /texts only/],
      ]
      for (const [args, message] of cases) {
        const { code, err } = await run(args)
        expect([args.join(' ').slice(0, 60), code]).toEqual([args.join(' ').slice(0, 60), 1])
        expect(err).toMatch(message)
      }
    })
  })

  test.each([
    [['generate']],
    [['generate', 'a', '--between', 'b', '--and', 'c']],
    [['generate', '--between', 'b']],
    [['generate', '--and', 'b', 'a']],
    [['generate', '--change', 'a.png']],
    [['generate', 'a', '--to', 'b']],
    [['generate', '--hits', '5']],
    [['generate', 'a', '-o', 'a.gif']],
    [['generate', 'a', '--size', '0x0']],
    [['generate', 'a', '--size', '100']],
    [['generate', 'a', '--size', '9999x9999']],
    [['generate', 'a', '--seed', 'NaN']],
    [['generate', 'a', '--seed', '-1']],
    [['generate', 'a', '--steps', '-1']],
    [['generate', 'a', '--candidates', '17']],
    [['generate', 'a', '--guidance', 'Infinity']],
    [['generate', 'a', '--strength', '0.5']],
    [['generate', 'a', '--mask', 'a.png']],
  ])('%j is wrong usage', async (args) => {
    const { code, err } = await run(args)
    expect(code).toBe(2)
    expect(err).toContain('error: ')
    expect(painter.orders).toHaveLength(0)
  })
})
