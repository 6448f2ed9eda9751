// The commands, against a hub on this machine that has the built-in model's files under another name.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CliIo } from '../../src/cli/io.ts'
import { dot } from '../../src/core/vector.ts'
import { openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { runCaptured } from '../helpers/cli.ts'
import { COMMIT, type FakeHub, startFakeHub } from '../helpers/fake-hub.ts'

const BUILT_IN = fileURLToPath(new URL('../../models/lucida-clip-1', import.meta.url))
const FILES = [
  'config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'onnx/vision_model.onnx',
  'onnx/text_model.onnx',
]

let hub: FakeHub
let root: string
let models: string
beforeEach(async () => {
  hub = await startFakeHub()
  root = await mkdtemp(join(tmpdir(), 'lucida-models-'))
  models = join(root, 'models')
  for (const file of FILES) {
    const content = await readFile(join(BUILT_IN, file))
    const variant = file.replace('_model.onnx', '_model_fp16.onnx')
    for (const repository of ['Xenova/clip-vit-large-patch14', 'Xenova/mobileclip_s0']) {
      hub.files.set(`${repository}/${file}`, content).set(`${repository}/${variant}`, content)
    }
  }
})
afterEach(async () => {
  hub.close()
  await rm(root, { recursive: true })
})

function run(args: readonly string[], world: Partial<CliIo> = {}) {
  const env = { LUCIDA_MODELS_DIR: models, HF_ENDPOINT: hub.endpoint, HF_HOME: root, ...world.env }
  return runCaptured(['models', ...args], { cwd: root, ...world, env })
}

const done = { code: 0 }

describe('lucida models pull', () => {
  test('brings a model that then works like a built-in one', async () => {
    const { code, out, err } = await run(['pull', 'ViT-L/14'])
    expect({ code, out }).toEqual({ code: 0, out: '' })
    expect(err).toContain('pulling clip-vit-l-14 from Xenova/clip-vit-large-patch14 (licence: MIT)')
    expect(err).toMatch(/^(\d+\.\d) MB of \1 MB$/m)
    const model = await findModel('openai/clip-vit-large-patch14', models)
    expect(model).toMatchObject({
      name: 'clip-vit-l-14',
      directory: join(models, 'clip-vit-l-14'),
      pulledFrom: { 'Xenova/clip-vit-large-patch14': COMMIT },
    })
    const clips = [model, await findModel('lucida-clip-1')].map((spec) =>
      openClip(spec, { threads: 1 }),
    )
    const vectors = await Promise.all(clips.map((clip) => clip.embedTexts(['a red car'])))
    const [one, two] = vectors.flat()
    // Not the same to the last digit: the built-in model is run with a setting for its own numbers.
    expect(dot(one!, two!)).toBeCloseTo(1, 3)
    await Promise.all(clips.map((clip) => clip.close()))
  })

  test('keeps the precisions of a model apart', async () => {
    await run(['pull', 'clip-vit-l-14'])
    await run(['pull', 'clip-vit-l-14@fp16'])
    expect(await readdir(models)).toEqual(['.unfinished', 'clip-vit-l-14', 'clip-vit-l-14-fp16'])
    expect((await findModel('ViT-L-14__openai-fp16', models)).parts.vision).toBe(
      'onnx/vision_model_fp16.onnx',
    )
  })

  test('sends the token of HF_TOKEN, or the one that is kept in HF_HOME', async () => {
    await writeFile(join(root, 'token'), 'kept\n')
    await run(['pull', 'clip-vit-l-14'])
    await run(['remove', 'clip-vit-l-14'])
    await run(['pull', 'clip-vit-l-14'], { env: { HF_TOKEN: 'given' } })
    const tokens = hub.seen.map(({ at, headers }) => `${at} ${headers.authorization}`)
    expect(new Set(tokens)).toEqual(
      new Set(['hub Bearer kept', 'hub Bearer given', 'storage undefined']),
    )
  })

  test('of a licence with terms does nothing until they are accepted', async () => {
    const { code, err } = await run(['pull', 'mobileclip-s0'])
    expect(code).toBe(1)
    expect(err).toMatch(/licence that must be accepted.*https:.*--accept-licence/)
    const typing = (answer: string) => {
      return { inputIsTerminal: true, input: Readable.from([`${answer}\n`]) }
    }
    expect((await run(['pull', 'mobileclip-s0'], typing('no'))).code).toBe(1)
    expect(hub.seen).toEqual([])
    expect(await run(['pull', 'mobileclip-s0'], typing('y'))).toMatchObject(done)
    expect((await findModel('mobileclip-s0', models)).accepted?.license).toMatch(/^https:/)
    await run(['remove', 'mobileclip-s0'])
    expect(await run(['pull', 'mobileclip-s0', '--accept-licence'])).toMatchObject(done)
  })

  test.each([
    ['of a name that nobody knows', ['pull', 'ViT-B-99'], {}, 'the nearest names are'],
    ['that is forbidden', ['pull', 'ViT-L/14'], { HF_HUB_OFFLINE: '1' }, 'HF_HUB_OFFLINE'],
    ['from no address', ['pull', 'ViT-L/14'], { HF_ENDPOINT: 'hub' }, 'HF_ENDPOINT is no'],
    ['of what the hub lacks', ['pull', 'siglip-b-16'], {}, 'has no config.json'],
  ])('%s asks for nothing more', async (_, args, env, message) => {
    const { code, err } = await run(args, { env })
    expect({ code, said: err.includes(message) }).toEqual({ code: 1, said: true })
    expect(hub.gets()).toEqual([])
  })

  test('that is interrupted ends with 130, and goes on the next time', async () => {
    const user = new AbortController()
    hub.storageTricks.push((_, response) => {
      response.writeHead(200).write('{')
      user.abort()
      return true
    })
    const { code } = await run(['pull', 'ViT-L/14'], { signal: user.signal })
    expect(code).toBe(130)
    await expect(findModel('ViT-L/14', models)).rejects.toMatchObject({
      code: 'model_missing',
      message: expect.stringContaining('lucida models pull clip-vit-l-14'),
    })
    expect(await run(['pull', 'ViT-L/14'])).toMatchObject(done)
  })

  test('that is killed ten times goes on each time where it was', async () => {
    const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
    const env = { ...process.env, LUCIDA_MODELS_DIR: models, HF_ENDPOINT: hub.endpoint }
    const weights = await readFile(join(BUILT_IN, 'onnx/vision_model.onnx'))
    for (let attempt = 0; attempt < 10; attempt++) {
      const child = spawn(
        process.execPath,
        ['--import', 'tsx', main, 'models', 'pull', 'ViT-L/14'],
        { env: { ...env, HF_HOME: root }, stdio: 'ignore' },
      )
      hub.storageTricks[0] = (request, response) => {
        // The tokenizer comes first, as a whole.
        if (!request.url!.includes('vision_model')) return false
        const from = Number(/\d+/.exec(request.headers.range ?? '0')![0])
        const range = { 'content-range': `bytes ${from}-${weights.length - 1}/${weights.length}` }
        response.writeHead(from > 0 ? 206 : 200, range)
        response.write(weights.subarray(from, from + 300_000), () => {
          setTimeout(() => child.kill('SIGKILL'), 100)
        })
        return true
      }
      if (attempt === 0) hub.storageTricks.unshift(() => false)
      const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
      expect(signal).toBe('SIGKILL')
      expect(existsSync(join(models, 'clip-vit-l-14'))).toBe(false)
    }
    expect(await run(['pull', 'ViT-L/14'])).toMatchObject(done)
    expect(await run(['verify', 'clip-vit-l-14'])).toMatchObject(done)
    const starts = hub
      .gets()
      .filter(({ url }) => url.includes('vision_model'))
      .map(({ headers }) => Number(/\d+/.exec(headers.range ?? '0')![0]))
    expect(starts).toHaveLength(11)
    expect(starts).toEqual(starts.toSorted((a, b) => a - b))
    expect(starts.at(-1)).toBeGreaterThan(1_000_000)
  })

  test('that is given up leaves nothing once it is removed', async () => {
    hub.files.delete('Xenova/clip-vit-large-patch14/onnx/text_model.onnx')
    hub.hubTrick = ({ method, url }, response) => {
      if (method !== 'HEAD' || !url!.includes('text_model')) return false
      response.writeHead(200, { etag: 'a'.repeat(64), 'content-length': '9' }).end()
      return true
    }
    expect((await run(['pull', 'ViT-L/14'])).code).toBe(1)
    expect(await readdir(join(models, '.unfinished'))).toEqual(['clip-vit-l-14'])
    expect(await run(['remove', 'ViT-L/14'])).toMatchObject(done)
    expect(await readdir(join(models, '.unfinished'))).toEqual([])
  })
})

describe('the models at hand', () => {
  test('are listed, and with --all those that can be pulled', async () => {
    await run(['pull', 'clip-vit-l-14'])
    const { out } = await run([])
    expect(out).toMatch(/^\* lucida-clip-1 {2}/m)
    expect(out).toMatch(/^ {2}clip-vit-l-14 {2}/m)
    expect(out).not.toContain('clip-vit-b-32')
    expect((await run(['list'])).out).toBe(out)
    const all = await run(['list', '--all', '--json'])
    const rows = JSON.parse(all.out) as { name: string; directory: string | null }[]
    expect(rows.find(({ name }) => name === 'clip-vit-b-32')).toMatchObject({ directory: null })
    expect(rows.filter(({ name }) => name === 'clip-vit-l-14')).toHaveLength(1)
  })

  test('are shown with their files, as are those that can be pulled', async () => {
    const known = await run(['show', 'ViT-B-32/openai'])
    expect(known.out).toContain('Xenova/clip-vit-base-patch32@d15189d7028b  onnx/vision_model.onnx')
    expect(known.out).toContain('lucida models pull clip-vit-b-32')
    await run(['pull', 'clip-vit-l-14'])
    const here = await run(['show', 'ViT-L/14'])
    expect(here.out).toMatch(/onnx\/text_model\.onnx {2}\d+ bytes {2}sha256 [0-9a-f]{64}/)
    expect(hub.seen.every(({ url }) => url.includes('large-patch14'))).toBe(true)
  })

  test('are used from now on by the collection, and in this process where a setting says so', async () => {
    await run(['pull', 'clip-vit-l-14'])
    const dataDir = ['--data-dir', join(root, 'data')]
    const { code, out } = await run(['use', 'ViT-L/14', ...dataDir])
    expect({ code, out }).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^clip-vit-l-14 answers, with 0 of 0 pictures$/m),
    })
    expect((await run(['list', ...dataDir])).out).toMatch(/^\* clip-vit-l-14 {2}/m)
    const env = { LUCIDA_MODEL: 'lucida-clip-1' }
    expect((await run(['list', ...dataDir], { env })).out).toMatch(/^\* lucida-clip-1 {2}/m)
    expect((await run(['use', 'clip-vit-b-32', ...dataDir])).code).toBe(1)
    expect((await run(['use', 'lucida-clip-1', ...dataDir], { env })).err).toContain(
      'was set for this process',
    )
  })

  test('are verified, and repaired by another pull', async () => {
    await run(['pull', 'clip-vit-l-14'])
    expect(await run(['verify'])).toMatchObject(done)
    const file = join(models, 'clip-vit-l-14/onnx/text_model.onnx')
    await writeFile(file, 'damaged')
    const { code, out, err } = await run(['verify', 'clip-vit-l-14'])
    expect(code).toBe(1)
    expect(out).toBe(`damaged  ${join(models, 'clip-vit-l-14')}\n`)
    expect(err).toContain(file)
    await run(['pull', 'clip-vit-l-14'])
    expect(await run(['verify', 'clip-vit-l-14'])).toMatchObject(done)
    expect(hub.gets().filter(({ url }) => url.includes('text_model'))).toHaveLength(2)
    expect(hub.gets().filter(({ url }) => url.includes('vision_model'))).toHaveLength(1)
  })

  test('are removed, but for the built-in ones', async () => {
    await run(['pull', 'clip-vit-l-14'])
    expect(await run(['remove', 'ViT-L/14'])).toMatchObject(done)
    expect(await readdir(models)).toEqual(['.unfinished'])
    const { code, err } = await run(['remove', 'lucida-clip-1'])
    expect({ code, stays: err.includes('it stays') }).toEqual({ code: 1, stays: true })
  })

  test('can be brought by hand', async () => {
    expect(await run(['import', BUILT_IN, '--name', 'copied'])).toMatchObject(done)
    // It was one of ours before, so what its manifest says is kept.
    const { recipe, sessionConfig, relevance } = await findModel('lucida-clip-1')
    expect(await findModel('copied', models)).toMatchObject({ recipe, sessionConfig, relevance })
    expect((await run(['import', join(root, 'nowhere')])).code).toBe(1)
  })
})
