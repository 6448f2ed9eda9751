// The parts of the safety policy: words, policies, heads, the hook and the log.
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { normalize, type UnitVector } from '../../src/core/vector.ts'
import type { ModelSpec } from '../../src/models/manifest.ts'
import { openConcepts } from '../../src/safety/concepts.ts'
import { readHead } from '../../src/safety/head.ts'
import { openSafetyLog } from '../../src/safety/log.ts'
import { BUILT_IN_POLICY, readPolicy } from '../../src/safety/policy.ts'
import { askAt } from '../../src/safety/prompt-hook.ts'
import { findBlocked } from '../../src/safety/prompts.ts'
import { openSafety, type SafetyOptions } from '../../src/safety/safety.ts'
import { newGate } from '../helpers/gate.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lucida-safety-'))
})
const write = async (name: string, value: unknown) => {
  const path = join(folder, name)
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value))
  return path
}

const model = { name: 'two', recipe: 'r', dimension: 2 } as ModelSpec
const RIGHT = normalize([1, 0])
const UP = normalize([0, 1])
/** Captions all around, so that a percentile says how near a picture is. */
const bank: UnitVector[] = Array.from({ length: 100 }, (_, i) =>
  normalize([Math.cos((i / 100) * 2 * Math.PI), Math.sin((i / 100) * 2 * Math.PI)]),
)
const context = {
  model,
  embedTexts: async (texts: readonly string[]) => texts.map((text) => (text === 'up' ? UP : RIGHT)),
  bank: async () => bank,
}

describe('words', () => {
  test.each([
    ['a naked man', ['naked'], 'naked'],
    ['A NAKED man', ['naked'], 'naked'],
    ['nakedness', ['naked'], undefined],
    ['snaked', ['naked'], undefined],
    ['pornographic', ['porn*'], 'porn*'],
    ['popcorn', ['porn*'], undefined],
    ['n\u00e4k\u00e9d', ['naked'], 'naked'],
    ['\uff4e\uff41\uff4b\uff45\uff44', ['naked'], 'naked'],
    ['na\u200bk\u00aded', ['naked'], 'naked'],
    // What the tokenizers of OpenAI's models undo before they read it.
    ['n&#97;ked', ['naked'], 'naked'],
    ['n&amp;#x61;ked', ['naked'], 'naked'],
    ['na\u001b[0mked', ['naked'], 'naked'],
    ['na\u0001ked', ['naked'], 'naked'],
    ['child, abuse', ['child abuse'], 'child abuse'],
    ['abuse of a child', ['child abuse'], undefined],
    ['child', ['child abuse'], undefined],
    ['(.*)', ['.*', '*', ' '], undefined],
    [
      '\u0420\u0443\u0441\u0441\u043a\u0438\u0439',
      ['\u0440\u0443\u0441\u0441\u043a\u0438\u0439'],
      '\u0440\u0443\u0441\u0441\u043a\u0438\u0439',
    ],
  ])('%s, blocked: %s', (text, entries, expected) => {
    expect(findBlocked(text, entries)).toBe(expected)
  })

  test('what everyday captions say is not blocked', async () => {
    const captions = await readFile('models/lucida-clip-1/neutral-captions.txt', 'utf8')
    const refused = captions
      .split('\n')
      .filter((caption) => findBlocked(caption, BUILT_IN_POLICY.blockedPrompts))
    expect(refused).toEqual([])
  })
})

describe('a policy', () => {
  test('that is printed is read again as it is', async () => {
    const { policy } = await readPolicy(await write('same.json', BUILT_IN_POLICY))
    expect(policy).toEqual(BUILT_IN_POLICY)
  })

  const concept = { name: 'a', prompts: ['x'], threshold: 1 }
  test.each([
    ['no JSON', '{'],
    ['no concepts', { blockedPrompts: [] }],
    ['a concept without prompts', { concepts: [{ name: 'a', threshold: 1 }], blockedPrompts: [] }],
    ['a threshold above 1', { concepts: [{ ...concept, threshold: 2 }], blockedPrompts: [] }],
    ['a name twice', { concepts: [concept, concept], blockedPrompts: [] }],
    ['a key that is not known', { concepts: [], blockedPrompts: [], blocked: [] }],
  ])('with %s is refused, and named', async (_, value) => {
    const path = await write('wrong.json', value)
    await expect(readPolicy(path)).rejects.toMatchObject({
      code: 'bad_input',
      message: expect.stringContaining(path),
    })
  })

  test('that is not there is not_found', async () => {
    const missing = readPolicy(join(folder, 'nothing.json'))
    await expect(missing).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('concepts', () => {
  const score = async (concepts: typeof BUILT_IN_POLICY.concepts, vector: UnitVector) => {
    const { scores, flags } = await openConcepts(context, { concepts, blockedPrompts: [] }, folder)
    return { scores: scores(vector), flags: flags(vector) }
  }

  test('in words are percentiles among the neutral captions', async () => {
    const concepts = [
      { name: 'near', prompts: ['right'], threshold: 0.9 },
      { name: 'far', prompts: ['up'], threshold: 0.9 },
    ]
    const { scores, flags } = await score(concepts, RIGHT)
    expect(scores.map(({ concept }) => concept)).toEqual(['near', 'far'])
    expect(scores[0]!.score).toBeGreaterThan(0.98)
    expect(scores[1]!.score).toBeCloseTo(0.5, 1)
    expect(flags).toEqual([{ concept: 'near', score: scores[0]!.score }])
  })

  test('that were learned are probabilities', async () => {
    await write('head.json', { model: 'two', recipe: 'r', weights: [10, 0], bias: -5 })
    const concepts = [{ name: 'learned', head: 'head.json', threshold: 0.5 }]
    expect((await score(concepts, RIGHT)).flags[0]!.score).toBeCloseTo(1 / (1 + Math.exp(-5)), 6)
    expect((await score(concepts, UP)).flags).toEqual([])
  })

  test.each([
    ['another model', { model: 'three' }],
    ['another recipe', { recipe: 's' }],
    ['another length', { weights: [1, 2, 3] }],
  ])('a head for %s does not pass silently', async (_, other) => {
    const head = { model: 'two', recipe: 'r', weights: [1, 0], bias: 0, ...other }
    const read = readHead(await write('other.json', head), model)
    await expect(read).rejects.toMatchObject({ code: 'dimension_mismatch' })
  })

  test('a head that is none is refused', async () => {
    const read = readHead(await write('none.json', { weights: [1] }), model)
    await expect(read).rejects.toMatchObject({ code: 'bad_input' })
  })
})

describe('the hook of an operator', () => {
  async function asking(answer: RequestListener) {
    const server = createServer(answer)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    return {
      ask: askAt(`http://127.0.0.1:${port}/`),
      async [Symbol.asyncDispose]() {
        await new Promise((resolve) => server.close(resolve))
      },
    }
  }
  const says =
    (value: unknown, status = 200): RequestListener =>
    (_, response) =>
      response.writeHead(status).end(JSON.stringify(value))

  test('is told the texts, and believed', async () => {
    let told = ''
    await using allows = await asking((request, response) => {
      request.on('data', (chunk: Buffer) => (told += chunk.toString()))
      request.on('end', () => response.end('{"allowed":true}'))
    })
    expect(await allows.ask(['a dog', 'a cat'])).toBeNull()
    expect(JSON.parse(told)).toEqual({ texts: ['a dog', 'a cat'] })
    await using refuses = await asking(says({ allowed: false, reason: 'not here' }))
    expect(await refuses.ask(['a dog'])).toBe('not here')
  })

  test.each<[string, RequestListener]>([
    ['an error', says({}, 500)],
    ['something else', says({ ok: true })],
    ['another place', (_, response) => response.writeHead(302, { location: '/' }).end()],
  ])('that answers with %s refuses', async (_, answer) => {
    await using service = await asking(answer)
    await expect(service.ask(['a dog'])).rejects.toMatchObject({ code: 'refused' })
  })
})

describe('drawing', () => {
  const open = (more: Partial<SafetyOptions>) => {
    const options = { ...context, results: 'off', drawing: 'prompts', ...more } as const
    return openSafety({ ...options, logFile: join(folder, 'drawing.jsonl') })
  }

  test('asks the hook for what the blocklist lets through', async () => {
    const asked: string[][] = []
    const hook = async (texts: readonly string[]) => {
      asked.push([...texts])
      return texts.includes('a cat') ? 'no cats' : null
    }
    const { drawing } = open({ hook })
    await expect(drawing!.checkTexts(['a naked man'])).rejects.toMatchObject({ code: 'refused' })
    await drawing!.checkTexts(['a dog'])
    await expect(drawing!.checkTexts(['a cat'])).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('no cats'),
    })
    expect(asked).toEqual([['a dog'], ['a cat']])
  })

  test('is refused by a hook that fails', async () => {
    const { drawing } = open({ hook: () => Promise.reject(new Error('broken')) })
    await expect(drawing!.checkTexts(['a dog'])).rejects.toMatchObject({ code: 'refused' })
  })

  test('that is off has no part in it', () => {
    expect(open({ drawing: 'off' }).drawing).toBeUndefined()
    expect(open({}).results).toBeUndefined()
    expect(open({}).drawing!.flag).toBeNull()
  })
})

describe('results', () => {
  test('are flagged also by those who ask while what is remembered is forgotten', async () => {
    const policy = {
      concepts: [{ name: 'up', prompts: ['up'], threshold: 0.9 }],
      blockedPrompts: [],
    }
    const { results } = openSafety({
      ...context,
      results: 'hide',
      drawing: 'off',
      file: await write('up.json', policy),
      logFile: join(folder, 'results.jsonl'),
    })
    const allUp = async (contents: readonly string[]) =>
      new Map(contents.map((content) => [content, UP]))
    const many = Array.from({ length: 100_000 }, (_, i) => `picture ${i}`)
    await results!.flag(many, allUp)
    const asked = newGate()
    const flagging = results!.flag(['picture 1', 'new'], async (contents) => {
      await asked.opened
      return allUp(contents)
    })
    await results!.flag(['one more'], allUp)
    await results!.flag(['another'], allUp)
    asked.open()
    expect([...(await flagging).keys()]).toEqual(['picture 1', 'new'])
  })
})

describe('the log', () => {
  test('says which rule, and never what was typed', async () => {
    const logFile = join(folder, 'refusals.jsonl')
    const { drawing } = openSafety({ ...context, results: 'off', drawing: 'prompts', logFile })
    const asked = drawing!.checkTexts(['a naked neighbour of mine'])
    await expect(asked).rejects.toMatchObject({ code: 'refused' })
    const text = await readFile(logFile, 'utf8')
    const { at, ...event } = JSON.parse(text) as Record<string, unknown>
    expect(event).toEqual({ what: 'refused', by: 'blocklist', entry: 'naked' })
    expect(Date.parse(at as string)).not.toBeNaN()
    expect(text).not.toContain('neighbour')
  })

  test('does not grow for ever, and lines are whole', async () => {
    const path = join(folder, 'many.jsonl')
    const note = openSafetyLog(path, 1000)
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => note({ what: 'refused', by: 'hook', entry: `${i}` })),
    )
    const lines = (await readFile(`${path}.1`, 'utf8')).trim().split('\n')
    lines.push(...(await readFile(path, 'utf8')).trim().split('\n'))
    expect(lines.length).toBeLessThan(50)
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ entry: '49' })
  })

  test('that cannot be written stops nothing', async () => {
    const note = openSafetyLog(join(await write('a file', ''), 'below.jsonl'))
    await expect(note({ what: 'refused', by: 'hook' })).resolves.toBeUndefined()
  })
})
