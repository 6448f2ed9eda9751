import { execFile } from 'node:child_process'
import { copyFile, cp, mkdir, mkdtemp, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { CliIo } from '../../src/cli/io.ts'
import { VERSION } from '../../src/core/version.ts'
import { findModel } from '../../src/models/registry.ts'
import { type CliResult, runCaptured } from '../helpers/cli.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { writeSmallPictures } from '../helpers/pictures.ts'

const ESCAPE = '\u001B'

interface JsonAnswer {
  query: string
  results: { path: string; score: number; relevance: number | null }[]
}

/** What a model folder of the hub consists of. */
const HUB_FILES = [
  'config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'onnx/vision_model.onnx',
  'onnx/text_model.onnx',
]

const lines = (text: string) => text.split('\n').slice(0, -1)
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)

describeDatabase('the command line', (newPlace, engine) => {
  let place: TestPlace
  /** Holds `pictures`: five named after what they show, one with a newline, a copy, and a failure. */
  let home: string
  let pictures: string
  let firstRun: CliResult

  const run = (args: readonly string[], world: Partial<CliIo> = {}) => {
    const env = { ...(place.databaseUrl && { DATABASE_URL: place.databaseUrl }), ...world.env }
    return runCaptured([...args, '--data-dir', place.dataDir], { cwd: home, ...world, env })
  }
  const runJson = async <T>(...args: string[]) => {
    const { code, out } = await run([...args, '--json'])
    expect(code).toBe(0)
    expect(lines(out)).toHaveLength(1)
    return JSON.parse(out) as T
  }
  const picture = (name: string) => join(pictures, name)

  beforeAll(async () => {
    place = await newPlace()
    home = await realpath(await mkdtemp(join(tmpdir(), 'lucida-cli-')))
    pictures = join(home, 'pictures')
    await mkdir(pictures)
    await writeSmallPictures(pictures)
    await rename(picture('disc.png'), picture('two\nlines.png'))
    await copyFile(picture('red.png'), picture('red copy.png'))
    await writeFile(picture('broken.jpg'), 'no picture')
    firstRun = await run(['index', pictures])
  })
  afterEach(() => vi.unstubAllEnvs())
  afterAll(async () => {
    await place[Symbol.asyncDispose]()
    await rm(home, { recursive: true, force: true })
  })

  describe('index', () => {
    test('says on stderr what it does, and nothing on stdout', () => {
      const { code, out, err } = firstRun
      expect({ code, out }).toEqual({ code: 0, out: '' })
      expect(err).toContain(`indexing ${pictures}\n`)
      expect(err).toContain(`skipped ${picture('broken.jpg')}: `)
      expect(err).toMatch(/\ndone in [\d.]+ s: .* new.*, 1 failed\n/)
      expect(err).not.toContain(ESCAPE)
    })

    test('prints its events as JSON lines, and changes nothing the second time', async () => {
      const { code, out, err } = await run(['index', '--json'])
      expect({ code, err }).toEqual({ code: 0, err: '' })
      const events = lines(out).map((line) => JSON.parse(line) as { type: string })
      expect(events.map(({ type }) => type)).toEqual(['start', 'done'])
      expect(events[1]).toMatchObject({
        folder: pictures,
        counts: { seen: 8, unchanged: 7, stillFailing: 1, embedded: 0, failed: 0 },
        cancelled: false,
      })
    })

    test('that is interrupted ends with 130', async () => {
      const { code, err } = await run(['index'], { signal: AbortSignal.abort() })
      expect(code).toBe(130)
      expect(err).toContain('stopped in')
    })

    test.each([
      ['a folder that is not there', 'nowhere', /^lucida: No folder .*nowhere/],
      ['a file', 'pictures/red.png', /^lucida: Expected a folder for path but received/],
    ])('of %s fails with 1', async (_, name, message) => {
      const { code, out, err } = await run(['index', join(home, name)])
      expect({ code, out }).toEqual({ code: 1, out: '' })
      expect(err).toMatch(message)
      expect(lines(err)).toHaveLength(1)
    })
  })

  describe('search', () => {
    const search = (...args: string[]) => runJson<JsonAnswer>('search', ...args)

    test('prints score, relevance and path, best first, and a closing line on stderr', async () => {
      const { code, out, err } = await run(['search', 'a', 'plain', 'red', 'wall', '-k', '3'])
      expect(code).toBe(0)
      const found = lines(out.replaceAll('two\nlines', 'two lines'))
      expect(found).toHaveLength(3)
      for (const line of found) {
        expect(line).toMatch(/^-?\d\.\d{3} {2}[ \d]{2}\d\.\d% {2}\/.+\.png( {2}\(\+1 more\))?$/)
      }
      const scores = found.map((line) => Number.parseFloat(line))
      expect(scores).toEqual([...scores].sort((a, b) => b - a))
      expect(err).toMatch(/^3 of 6 pictures in \d+ ms, lucida-clip-1.*\n$/)
      expect(out + err).not.toContain(ESCAPE)
    })

    test('names one of several copies, and says how many more there are', async () => {
      const { out } = await run(['search', './pictures/red.png', '-k', '1'])
      expect(out).toBe(`1.000  ${picture('red copy.png')}  (+1 more)\n`)
    })

    test('prints one JSON document with these keys and no others', async () => {
      const answer = await search('a', 'blue', 'sky')
      expect(answer).toEqual({
        query: 'a blue sky',
        model: 'lucida-clip-1',
        tookMs: expect.any(Number),
        results: expect.any(Array),
      })
      expect(Object.keys(answer)).toEqual(['query', 'model', 'tookMs', 'results'])
      expect(answer.results).toHaveLength(6)
      for (const result of answer.results) {
        expect(Object.keys(result).join()).toBe(
          'id,path,score,relevance,width,height,takenAt,generated',
        )
        expect(result.relevance).toBeGreaterThanOrEqual(0)
        expect(result.relevance).toBeLessThanOrEqual(1)
      }
      expect(answer.results.find(({ path }) => path === picture('sky.png'))).toMatchObject({
        id: expect.stringMatching(/^[0-9a-f]{64}$/),
        width: 64,
        height: 48,
        takenAt: null,
      })
    })

    test('prints paths only, each on a line', async () => {
      const { out, err } = await run(['search', 'sky.png', '--files', '-k', '1'], { cwd: pictures })
      expect({ out, err }).toEqual({ out: `${picture('sky.png')}\n`, err: '' })
    })

    test('ends paths with NUL, so that a name with a newline is one name', async () => {
      const { out, err } = await run(['search', 'colours', '--files', '-0'])
      expect(err).toBe('')
      const names = ['green', 'red copy', 'sky', 'stripes', 'sunset', 'two\nlines']
      expect(out.split('\0').sort()).toEqual(['', ...names.map((name) => picture(`${name}.png`))])
    })

    test('leaves out what scores below --min-score', async () => {
      const { results } = await search('./pictures/sky.png', '--min-score', '0.999')
      expect(results.map(({ path }) => path)).toEqual([picture('sky.png')])
    })

    test('that finds nothing is no failure', async () => {
      const { code, out, err } = await run(['search', 'sky', '--min-score', '0.99'])
      expect({ code, out }).toEqual({ code: 0, out: '' })
      expect(err).toMatch(/^0 of 6 pictures/)
    })

    test('by pictures adds and subtracts them, and knows no relevance', async () => {
      const plain = await search('./pictures/sky.png')
      expect(plain.results[0]).toMatchObject({ path: picture('sky.png'), relevance: null })
      expect(plain.results[0]!.score).toBeCloseTo(1, 3)
      const without = await search('./pictures/sky.png', '-', '2:./pictures/sunset.png')
      expect(without.query).toBe('./pictures/sky.png - 2:./pictures/sunset.png')
      const rank = ({ results }: JsonAnswer) =>
        results.findIndex(({ path }) => path === picture('sunset.png'))
      expect(rank(without)).toBeGreaterThan(rank(plain))
    })

    test('may begin with a sign', async () => {
      const { query, results } = await search('-', '2:snow')
      expect(query).toBe('- 2:snow')
      expect(results[0]!.relevance).not.toBeNull()
    })

    test('takes a number and a colon in the first text for words', async () => {
      const time = await search('3:00', 'at', 'night')
      const other = await search('00', 'at', 'night')
      expect(time.results.map(({ score }) => score)).not.toEqual(
        other.results.map(({ score }) => score),
      )
    })

    test('takes a word for text even where a folder has that name', async () => {
      expect((await search('pictures')).results[0]!.relevance).not.toBeNull()
    })

    test('for a file that is not there fails with 1, and says which', async () => {
      const { code, out, err } = await run(['search', './nothing.jpg'])
      expect({ code, out }).toEqual({ code: 1, out: '' })
      expect(err).toMatch(/^lucida: Cannot read .*\/nothing\.jpg: ENOENT.*\n$/)
    })

    test('for a sign without a term, and for terms that cancel out, fails with 1', async () => {
      expect((await run(['search', 'cat', '+'])).err).toBe('lucida: Expected a term after +\n')
      const { code, err } = await run(['search', 'cat', '-', 'cat'])
      expect(code).toBe(1)
      expect(err).toContain('cancel each other out')
    })
  })

  describe('filters', () => {
    const listed = async (...args: string[]) => {
      const { code, out } = await run(['search', '--files', '-0', ...args])
      expect(code).toBe(0)
      return out.split('\0').slice(0, -1)
    }
    const all = ['red copy', 'green', 'sky', 'sunset', 'stripes', 'two\nlines']

    test('choose among the pictures that are ranked', async () => {
      const flags = ['--orientation', 'landscape', '--min-width', '50', '--format', 'jpg,png']
      const found = await listed('a', 'red', 'wall', ...flags, '--folder', 'pictures')
      expect(found.sort()).toEqual([picture('sky.png'), picture('sunset.png')])
      const { err } = await run(['search', 'a red wall', ...flags])
      expect(err).toMatch(/^2 of 2 pictures/)
      expect(await listed('a red wall', '--gps')).toEqual([])
      expect((await run(['search', 'a red wall', '--gps'])).err).toBe(
        'no picture of 6 passes the filters\n',
      )
    })

    test('alone list pictures, page by page', async () => {
      const found: string[] = []
      for (const page of ['1', '2', '3'])
        found.push(...(await listed('--no-gps', '--page', page, '-k2')))
      expect(found.sort()).toEqual(all.map((name) => picture(`${name}.png`)).sort())
      expect(await listed('--order', 'date', '--root', pictures)).toHaveLength(6)
      const { out, err } = await run(['search', '--order', 'date', '-k', '1', '--min-height', '60'])
      expect(out).toBe(`-${' '.repeat(20)}${picture('two\nlines.png')}\n`)
      expect(err).toMatch(/^1 of 1 pictures in \d+ ms\n$/)
      const listing = await runJson<JsonAnswer>('search', '--format', 'png')
      expect(listing).toMatchObject({ query: null, model: null })
      expect(listing.results).toHaveLength(6)
      expect(listing.results[0]).toMatchObject({ score: null, relevance: null, takenAt: null })
    })

    test('page through what is ranked', async () => {
      const whole = await listed('a red wall')
      const pages = [
        await listed('a red wall', '-k4'),
        await listed('a red wall', '-k4', '--page=2'),
      ]
      expect(pages.flat()).toEqual(whole)
      expect(await listed('a red wall', '--page', '2')).toEqual([])
    })

    test('order by date what is relevant, or what scores enough', async () => {
      const found = await listed('a red wall', '--order', 'date', '--min-score', '-1')
      expect(found).toHaveLength(6)
      const { code, err } = await run(['search', './pictures/red.png', '--order', 'date'])
      expect(code).toBe(1)
      expect(err).toMatch(/^lucida: Expected a minimum score/)
    })

    test('work for similar pictures', async () => {
      const args = ['similar', picture('red.png'), '--files', '--orientation', 'portrait']
      expect((await run(args)).out).toBe(`${picture('two\nlines.png')}\n`)
    })

    test('count pictures by kind', async () => {
      const { out } = await run(['facets'])
      expect(out).toMatch(/^6 pictures\n\nyear\n {7}6 {2}unknown\n\nformat\n {7}6 {2}png\n/)
      const facets = await runJson<object>('facets', '--min-width', '64')
      expect(facets).toMatchObject({
        pictures: 2,
        root: [{ value: pictures, count: 2 }],
        orientation: [{ value: 'landscape', count: 2 }],
      })
    })

    test('name the indexed folders when a root is none of them', async () => {
      const { code, err } = await run(['search', '--root', home])
      expect(code).toBe(1)
      expect(err).toBe(`lucida: ${home} is not an indexed folder (those are: ${pictures})\n`)
    })
  })

  test('similar leaves out the picture itself', async () => {
    const { results } = await runJson<JsonAnswer>('similar', picture('red.png'), '-k', '20')
    const names = results.map(({ path }) => path)
    expect(names).toHaveLength(5)
    expect(names).not.toContain(picture('red.png'))
    expect(names).not.toContain(picture('red copy.png'))
  })

  describe('classify', () => {
    const labels = ['--labels', 'red, blue ,green']

    test('prints the labels of each picture, best first', async () => {
      const { code, out, err } = await run(['classify', picture('red.png'), ...labels])
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(lines(out)[0]).toBe(picture('red.png'))
      expect(lines(out)).toHaveLength(4)
      for (const line of lines(out).slice(1)) {
        expect(line).toMatch(/^ {2}[01]\.\d{3} {2}(red|blue|green)$/)
      }
    })

    test('prints one JSON document, whose scores sum to 1 for each picture', async () => {
      const files = [picture('red.png'), picture('sky.png')]
      const all = await runJson<{ path: string; labels: { label: string; score: number }[] }[]>(
        'classify',
        ...files,
        ...labels,
      )
      expect(all.map(({ path }) => path)).toEqual(files)
      for (const one of all) {
        expect(Object.keys(one).join()).toBe('path,mode,labels')
        expect(one).toMatchObject({ mode: 'single' })
        expect(one.labels.map(({ label }) => label).sort()).toEqual(['blue', 'green', 'red'])
        expect(Object.keys(one.labels[0]!).join()).toBe('label,score')
        expect(sum(one.labels.map(({ score }) => score))).toBeCloseTo(1, 6)
      }
    })

    test('scores each label by itself, in the words of the templates', async () => {
      const how = [...labels, '--multi', '--template', '{}', '--template', 'something {}']
      const all = await runJson<{ mode: string; labels: { score: number }[] }[]>(
        'classify',
        picture('red.png'),
        ...how,
      )
      expect(all[0]!.mode).toBe('multi')
      expect(all[0]!.labels.every(({ score }) => score >= 0 && score <= 1)).toBe(true)
    })

    test('takes names relative to the working folder', async () => {
      const { code, out } = await run(['classify', 'red.png', ...labels], { cwd: pictures })
      expect(code).toBe(0)
      expect(lines(out)[0]).toBe(picture('red.png'))
    })

    test.each([
      ['a file that is not there', 'nothing.jpg', 'nothing.jpg'],
      ['a file that is no picture', 'broken.jpg', 'broken.jpg'],
    ])('of %s fails with 1, and names it', async (_, name, message) => {
      const { code, out, err } = await run(['classify', picture(name), ...labels])
      expect({ code, out }).toEqual({ code: 1, out: '' })
      expect(err).toContain(message)
      expect(err).not.toContain('unexpected')
    })
  })

  test('failures lists files with code and reason', async () => {
    const [failure, ...others] = await runJson<Record<string, string>[]>('failures')
    expect(others).toEqual([])
    expect(failure).toEqual({
      path: picture('broken.jpg'),
      reason: 'The file is not a picture: its content is text',
      code: 'unsupported_format',
    })
    const { out, err } = await run(['failures'])
    expect({ out, err }).toEqual({
      out: `${failure!.path}\t${failure!.code}\t${failure!.reason}\n`,
      err: '',
    })
  })

  test('status says what is indexed, for people and for programs', async () => {
    const { code, out, err } = await run(['status'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('6 pictures searchable with lucida-clip-1\n')
    expect(out).toContain(`  ${pictures}  6 pictures, 1 failed\n`)
    expect(out).toContain(`data in ${place.dataDir} (${engine}, exact index)\n`)
    expect(await runJson('status')).toMatchObject({
      dataDir: place.dataDir,
      database: engine,
      model: 'lucida-clip-1',
      searchable: 6,
      roots: [{ path: pictures, pictures: 6, missing: 0, failures: 1, exclude: [] }],
    })
  })

  test('doctor finds everything in order', async () => {
    const checks = await runJson<{ name: string; state: string; detail: string }[]>('doctor')
    expect(checks.filter(({ state }) => state === 'error')).toEqual([])
    expect(checks.at(-1)).toEqual({
      name: 'collection',
      state: 'ok',
      detail: `6 pictures of 1 folders (${engine}, exact index)`,
    })
  })

  test('ask answers examples where nobody can type', async () => {
    const { code, out, err } = await run(['ask', pictures])
    expect(code).toBe(0)
    expect(out.match(/^> .+$/gm)).toHaveLength(3)
    expect(out).toContain('.png')
    expect(err).toContain('indexing')
  })

  describe('on a terminal', () => {
    let shown: CliResult
    beforeAll(async () => {
      shown = await run(['search', 'a red wall'], { errIsTerminal: true })
    })

    test('there is colour, unless NO_COLOR says otherwise', async () => {
      expect(shown.err).toContain(`${ESCAPE}[2m`)
      const plain = { env: { NO_COLOR: '1' }, errIsTerminal: true }
      expect((await run(['search', 'a red wall'], plain)).err).not.toContain(ESCAPE)
    })

    test('colour for stderr never gets into stdout, which may be a file', () => {
      expect(shown.out).toContain('more)')
      expect(shown.out).not.toContain(ESCAPE)
    })
  })

  if (engine === 'pglite') {
    test('a database in use is busy: 1', async () => {
      const owner = await place.open()
      try {
        const { code, out, err } = await run(['status'])
        expect({ code, out }).toEqual({ code: 1, out: '' })
        expect(err).toMatch(/^lucida: .+\n$/)
        expect(err).not.toContain('unexpected')
      } finally {
        await owner.close()
      }
    })

    test('settings come from the given environment, and from no other', async () => {
      vi.stubEnv('DATABASE_URL', 'nonsense')
      expect(await run(['status'])).toMatchObject({ code: 0, err: '' })
    })
  }

  // Last, since the folder is gone afterwards.
  describe('remove', () => {
    test('of a folder that is not indexed fails with 1, and says which are', async () => {
      const { code, out, err } = await run(['remove', home])
      expect({ code, out }).toEqual({ code: 1, out: '' })
      expect(err).toBe(`lucida: ${home} is not an indexed folder (those are: ${pictures})\n`)
    })

    test('forgets a folder and leaves its files', async () => {
      const { code, out, err } = await run(['remove', pictures])
      expect({ code, out }).toEqual({ code: 0, out: '' })
      expect(err).toBe(`forgot 7 files of ${pictures}\n`)
      expect(await realpath(picture('red.png'))).toBe(picture('red.png'))
      expect(await runJson('failures')).toEqual([])
      expect((await run(['search', 'a red wall'])).err).toMatch(/^nothing is indexed yet/)
    })
  })
})

describe('usage', () => {
  test.each([
    ['an unknown flag', ['search', 'cat', '--colour'], '--colour'],
    ['an unknown command', ['serch', 'cat'], 'search'],
    ['no command', [], 'Usage: lucida'],
    ['a missing argument', ['search'], "missing required argument 'term'"],
    ['a missing option', ['classify', 'a.jpg'], '--labels'],
    ['a flag without its value', ['search', 'cat', '-k'], '-k'],
    ['-k 0', ['search', 'cat', '-k', '0'], 'Expected a whole number between 1 and 1000.'],
    ['-k many', ['search', 'cat', '-k', 'many'], 'Expected a whole number between 1 and 1000.'],
    ['-k 1.5', ['search', 'cat', '-k', '1.5'], 'Expected a whole number between 1 and 1000.'],
    ['--min-score 2', ['search', 'cat', '--min-score', '2'], 'Expected a number between -1 and 1.'],
    ['--min-score ""', ['search', 'cat', '--min-score', ''], 'Expected a number between -1 and 1.'],
    [
      '--after',
      ['search', '--after', 'May'],
      "'--after <date>' argument 'May' is invalid. Expected a date",
    ],
    ['--before', ['search', '--before', '2020-13'], 'such as 2020, 2020-05'],
    ['--near', ['facets', '--near', '48,2'], 'Expected latitude, longitude and kilometres'],
    ['--near twice round', ['search', '--near', '-17,190,1'], "'--near <lat,lon,km>'"],
    ['--box', ['search', '--box', '-5,0,-10,1'], 'Expected south,west,north,east in degrees'],
    ['--format', ['search', '--format', 'png,'], 'Expected names separated by commas'],
    ['--orientation', ['search', '--orientation', 'tall'], 'landscape, portrait, square'],
    ['--order', ['search', '--order', 'size'], 'Allowed choices are score, date'],
    ['--order score alone', ['search', '--order', 'score'], "missing required argument 'term'"],
    ['--page 0', ['search', 'cat', '--page', '0'], 'Expected a whole number between 1 and'],
    ['--min-width 0', ['search', 'cat', '--min-width', '0'], "'--min-width <px>'"],
    ['too many arguments', ['status', 'now'], 'too many arguments'],
  ])('that is wrong ends with 2 and is explained on stderr: %s', async (_, args, words) => {
    const { code, out, err } = await runCaptured(args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(words)
  })

  test.each([
    ['help', ['--help'], 'Usage: lucida [options] [command]'],
    ['the help of a command', ['search', '--help'], 'Usage: lucida search'],
    ['the version', ['--version'], VERSION],
  ])('that is asked for is on stdout: %s', async (_, args, words) => {
    const { code, out, err } = await runCaptured(args)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain(words)
  })

  test('a setting that is wrong ends with 1 and is named', async () => {
    const { code, err } = await runCaptured(['status'], { env: { VECTOR_INDEX: 'flat' } })
    expect(code).toBe(1)
    expect(err).toMatch(/^lucida: Setting vectorIndex \(VECTOR_INDEX\) is not valid: .*\n$/)
  })
})

describe('models', () => {
  test('marks the one in use, and tells the licence of its weights', async () => {
    const { code, out, err } = await runCaptured(['models'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^\* lucida-clip-1 {2}.+\n {4}256 dimensions, languages: en\n/m)
    expect(out).toContain('licence of the weights: ')
  })

  test('prints one JSON document', async () => {
    const { out } = await runCaptured(['models', '--json'])
    const keys = 'name,title,dimension,languages,license,directory,inUse'
    for (const model of JSON.parse(out) as object[]) expect(Object.keys(model).join()).toBe(keys)
  })

  test('that were brought here search like the built-in one, without its verdict', async () => {
    const home = await mkdtemp(join(tmpdir(), 'lucida-models-'))
    const env = { LUCIDA_MODELS_DIR: join(home, 'models'), LUCIDA_DATA_DIR: join(home, 'data') }
    const run = (...args: string[]) => runCaptured(args, { env })
    try {
      // As the hub would have it: without what only our own models have.
      const { directory } = await findModel('lucida-clip-1')
      for (const name of HUB_FILES) {
        await cp(join(directory, name), join(home, 'Some Model', name))
      }
      await mkdir(join(home, 'pictures'))
      await writeSmallPictures(join(home, 'pictures'))
      expect(await run('models', 'import', join(home, 'Some Model'))).toMatchObject({ code: 0 })
      const model = ['--model', 'some-model']
      expect((await run('index', join(home, 'pictures'), ...model)).code).toBe(0)
      const { out } = await run('search', 'a red square', '--json', ...model)
      const { results, model: name } = JSON.parse(out) as JsonAnswer & { model: string }
      expect(name).toBe('some-model')
      expect(results[0]!.path).toMatch(/red/)
      expect(results[0]!.relevance).toBeGreaterThan(0.5)
    } finally {
      await rm(home, { recursive: true, force: true })
    }
  })

  test('that do not exist end with 1, and those that do are named', async () => {
    const { code, err } = await runCaptured(['status', '--model', 'clip-9000'])
    expect(code).toBe(1)
    expect(err).toMatch(/^lucida: No model is called clip-9000; there is .*lucida-clip-1.*\n$/)
  })
})

test('the executable runs as a process of its own', async () => {
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
  const run = promisify(execFile)(process.execPath, ['--import', 'tsx', main, '--version'])
  expect(await run).toEqual({ stdout: `${VERSION}\n`, stderr: '' })
})
