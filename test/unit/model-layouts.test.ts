// Models in the layouts that the hub really has, with graphs that show what they are given: the vector
// of a text is its ids, the vector of a picture its numbers.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { normalize } from '../../src/core/vector.ts'
import { openClip } from '../../src/models/clip.ts'
import { importModel } from '../../src/models/import-model.ts'
import { readModel } from '../../src/models/manifest.ts'
import { findModel, listModels } from '../../src/models/registry.ts'
import { FLOAT, type Graph, INT32, INT64, onnxFile, type Tensor } from '../helpers/onnx.ts'

/** Numbers of a picture of 2 x 2, and the ids that a text is padded to. */
const WIDTH = 12
const BUILT_IN = fileURLToPath(new URL('../../models/lucida-clip-1', import.meta.url))

const JOINT = fileURLToPath(new URL('../fixtures/models/clip-joint', import.meta.url))

let root: string
let folder: string
let directory: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lucida-layout-'))
  folder = join(root, 'Some-Model')
  directory = join(root, 'models')
})
afterEach(() => rm(root, { recursive: true }))

type Content = string | Buffer | object

async function write(files: Readonly<Record<string, Content>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    const raw = typeof content === 'string' || Buffer.isBuffer(content)
    await writeFile(join(folder, name), raw ? content : JSON.stringify(content))
  }
}

async function tokenizerFiles(prefix = ''): Promise<Record<string, Buffer>> {
  const names = ['tokenizer.json', 'tokenizer_config.json']
  const contents = await Promise.all(names.map((name) => readFile(join(BUILT_IN, name))))
  return Object.fromEntries(names.map((name, i) => [prefix + name, contents[i]!]))
}

function visionGraph(input: Tensor, output: string, rows: number | string): Buffer {
  return onnxFile({
    inputs: [input],
    operators: [{ type: 'Flatten', inputs: [input.name], output, attributes: { axis: 1 } }],
    outputs: [{ name: output, type: FLOAT, dims: [rows, WIDTH] }],
  })
}

function textGraph(input: Tensor, output: string, more: Partial<Graph> = {}): Buffer {
  return onnxFile({
    inputs: [input],
    operators: [{ type: 'Cast', inputs: [input.name], output, attributes: { to: FLOAT } }],
    outputs: [{ name: output, type: FLOAT, dims: [...input.dims] }],
    ...more,
  })
}

const pixelTensor = (name: string, rows: number | string): Tensor => {
  return { name, type: FLOAT, dims: [rows, 3, 2, 2] }
}

/** As the exports of Immich: a row at a time, int32 ids of a fixed length. */
async function writeImmich(): Promise<void> {
  await write({
    'config.json': { embed_dim: WIDTH, text_cfg: { context_length: WIDTH } },
    'visual/preprocess_cfg.json': {
      size: [2, 2],
      mode: 'RGB',
      mean: [0, 0, 0],
      std: [1, 1, 1],
      interpolation: 'bicubic',
      resize_mode: 'shortest',
    },
    'visual/model.onnx': visionGraph(pixelTensor('image', 1), 'embedding', 1),
    'textual/model.onnx': textGraph({ name: 'text', type: INT32, dims: [1, WIDTH] }, 'embedding'),
    ...(await tokenizerFiles('textual/')),
  })
}

/** As the exports of Hugging Face, for SigLIP: several outputs, no length of texts in the graph. */
async function writeSiglip(suffix = ''): Promise<void> {
  const ids: Tensor = { name: 'input_ids', type: INT64, dims: ['batch', 'length'] }
  await write({
    'config.json': { model_type: 'siglip', text_config: { max_position_embeddings: WIDTH } },
    'preprocessor_config.json': {
      do_normalize: true,
      image_mean: [0.5, 0.5, 0.5],
      image_std: [0.5, 0.5, 0.5],
      resample: 2,
      size: { height: 2, width: 2 },
    },
    [`onnx/vision_model${suffix}.onnx`]: visionGraph(
      pixelTensor('pixel_values', 'batch'),
      'pooler_output',
      'batch',
    ),
    [`onnx/text_model${suffix}.onnx`]: textGraph(ids, 'pooler_output', {
      operators: [
        { type: 'Cast', inputs: ['input_ids'], output: 'pooler_output', attributes: { to: FLOAT } },
        { type: 'Neg', inputs: ['pooler_output'], output: 'last_hidden_state' },
      ],
      outputs: ['last_hidden_state', 'pooler_output'].map((name) => {
        return { name, type: FLOAT, dims: ['batch', 'length'] }
      }),
    }),
    ...(await tokenizerFiles()),
  })
}

/** The built-in tokenizer's ids of a short text: start, one word, end, and padding. */
async function idsOf(text: string): Promise<number[]> {
  const { openTokenizer } = await import('../../src/models/tokenizer.ts')
  const tokenize = await openTokenizer(await findModel('lucida-clip-1'))
  const ids = tokenize(text)
  return [...ids, ...Array<number>(WIDTH - ids.length).fill(0)]
}

describe.each([
  ['Immich’s layout', writeImmich],
  ['Hugging Face’s layout of SigLIP', writeSiglip],
  ['a variant of it', () => writeSiglip('_fp16')],
] as const)('%s', (_, writeModel) => {
  test('is read, and its towers get what they take', async () => {
    await writeModel()
    // Immich's config says the length of the vectors; SigLIP's does not, the manifest does.
    await expectRuns()
  })
})

test('a row at a time: pictures under way get their vectors when the threads change', async () => {
  await writeImmich()
  const clip = openClip(await importNamed(), { threads: 1 })
  try {
    const pictures = [1, 2, 3].map((n) => Float32Array.from({ length: WIDTH }, (_, i) => n * i + 1))
    await clip.embedPixels([])
    const embedding = clip.embedPixels(pictures)
    await clip.useThreads(2)
    expect(await embedding).toHaveLength(3)
    expect(await clip.embedPixels(pictures)).toHaveLength(3)
  } finally {
    await clip.close()
  }
})

async function expectRuns(): Promise<void> {
  const model = await importNamed()
  expect(model).toMatchObject({ dimension: WIDTH, text: { contextLength: WIDTH } })
  const clip = openClip(model, { threads: 1 })
  try {
    const texts = await clip.embedTexts(['dog', 'a cat'])
    expect(texts).toHaveLength(2)
    expectClose(texts[0]!, normalize(await idsOf('dog')))
    expectClose(texts[1]!, normalize(await idsOf('a cat')))
    const pictures = [1, 2, 3].map((n) => Float32Array.from({ length: WIDTH }, (_, i) => n * i + 1))
    const vectors = await clip.embedPixels(pictures)
    expect(vectors).toHaveLength(3)
    pictures.forEach((pixels, i) => expectClose(vectors[i]!, normalize(pixels)))
  } finally {
    await clip.close()
  }
}

/** SigLIP's config.json does not say the dimension, so the manifest has to. */
async function importNamed() {
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as object
  if ('model_type' in config) {
    await write({ 'config.json': { ...config, projection_dim: WIDTH } })
  }
  return importModel(folder, { directory })
}

function expectClose(actual: Float32Array, expected: Float32Array): void {
  expect(actual).toHaveLength(expected.length)
  actual.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5))
}

describe('an import', () => {
  test('copies what is needed under a name of its own, and leaves the folder alone', async () => {
    await writeImmich()
    await write({ 'README.md': 'not needed' })
    const model = await importModel(folder, { directory })
    expect(model.name).toBe('some-model')
    expect(model.directory).toBe(join(directory, 'some-model'))
    expect(Object.keys(model.files)).not.toContain('README.md')
    expect((await findModel('Some-Model', directory)).recipe).toBe(model.recipe)
    expect((await listModels(directory)).map(({ name }) => name)).toContain('some-model')
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toBe('not needed')
  })

  test('knows a model by the name of its folder, or by the one that is given', async () => {
    await writeImmich()
    const known = join(root, 'ViT-B-32__openai')
    await cp(folder, known, { recursive: true })
    expect(await importModel(known, { directory })).toMatchObject({
      name: 'clip-vit-b-32',
      license: 'MIT',
    })
    expect((await importModel(known, { directory, name: 'mine' })).name).toBe('mine')
  })

  test.each([
    ['without tokenizer', 'textual/tokenizer.json', 'lacks textual/tokenizer.json'],
    ['without settings', 'visual/preprocess_cfg.json', 'lacks visual/preprocess_cfg.json'],
    ['without a tower', 'visual/model.onnx', 'lacks onnx/vision_model.onnx'],
  ])('%s is refused', async (_, file, message) => {
    await writeImmich()
    await rm(join(folder, file))
    await expect(importModel(folder, { directory })).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringContaining(message),
    })
  })

  test('of a graph that cannot be run leaves nothing', async () => {
    await writeImmich()
    await write({ 'visual/model.onnx': 'not ONNX' })
    await expect(importModel(folder, { directory })).rejects.toMatchObject({
      code: 'model_invalid',
    })
    expect(await listModels(directory)).toHaveLength((await listModels()).length)
  })

  test('of vectors of another length than the model says is refused', async () => {
    await writeImmich()
    await write({ 'config.json': { embed_dim: WIDTH + 1 } })
    await expect(importModel(folder, { directory })).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringContaining(`[n, ${WIDTH + 1}] was expected`),
    })
  })

  test('under a name that is taken, or is none, is refused', async () => {
    await writeImmich()
    await importModel(folder, { directory })
    for (const name of ['some-model', '../elsewhere', '']) {
      await expect(importModel(folder, { directory, name })).rejects.toMatchObject({
        code: 'bad_input',
      })
    }
  })
})

test('one graph of both towers is imported, and loaded once for both', async () => {
  await cp(JOINT, folder, { recursive: true })
  await rm(join(folder, 'manifest.json'))
  const model = await importModel(folder, { directory })
  expect(model.parts).toMatchObject({ vision: 'onnx/model.onnx', text: 'onnx/model.onnx' })
  const clip = openClip(model, { threads: 2 })
  try {
    const before = await clip.embedTexts(['a dog', 'a photo'])
    await clip.useThreads(1)
    const after = await clip.embedTexts(['a dog', 'a photo'])
    before.forEach((vector, i) => expectClose(after[i]!, vector))
  } finally {
    await clip.close()
  }
})

test('two variants side by side are no model: which is meant cannot be told', async () => {
  await writeSiglip()
  await writeSiglip('_fp16')
  await expect(importModel(folder, { directory })).rejects.toMatchObject({ code: 'model_invalid' })
})

test('the recipe of a model covers weights that lie beside its graph', async () => {
  await writeImmich()
  const recipes: string[] = []
  for (const data of [undefined, 'one', 'two']) {
    if (data !== undefined) await write({ 'visual/model.onnx.data': data })
    const { directory: at } = await importModel(folder, { directory, name: `m${recipes.length}` })
    const model = await readModel(at)
    expect(Object.keys(model.files).includes('visual/model.onnx.data')).toBe(data !== undefined)
    recipes.push(model.recipe)
  }
  expect(new Set(recipes).size).toBe(3)
})
