import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import { readModel, TEXT_MODEL, verifyModel, VISION_MODEL } from '../../src/models/manifest.ts'
import { findModel, listModels } from '../../src/models/registry.ts'

const CONFIG = {
  projection_dim: 8,
  logit_scale: 20,
  text_config: { max_position_embeddings: 28, eos_token_id: 2, pad_token_id: 0 },
}
const PREPROCESSOR = { size: 224, image_mean: [0, 0, 0], image_std: [1, 1, 1] }
const TOWERS = { [VISION_MODEL]: 'weights of the vision tower', [TEXT_MODEL]: 'weights of text' }

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lucida-model-'))
})
afterEach(() => rm(directory, { recursive: true }))

interface Changes {
  manifest?: object
  config?: object
  preprocessor?: object
  towers?: Record<string, string>
}

/** Writes a model of a few bytes, as in the constants above but for `changes`. */
async function writeModel(changes: Changes = {}): Promise<void> {
  const towers = changes.towers ?? TOWERS
  await mkdir(join(directory, 'onnx'), { recursive: true })
  for (const [name, text] of Object.entries(towers)) await writeFile(join(directory, name), text)
  const files = Object.entries(towers).map(([name, text]) => {
    return [name, { sizeBytes: Buffer.byteLength(text), sha256: sha256(text) }] as const
  })
  const manifest = {
    name: 'tiny',
    title: 'A tiny model',
    languages: ['en'],
    license: 'MIT',
    files: Object.fromEntries(files),
    ...changes.manifest,
  }
  const write = (name: string, content: object) =>
    writeFile(join(directory, name), JSON.stringify(content))
  await write('manifest.json', manifest)
  await write('config.json', { ...CONFIG, ...changes.config })
  await write('preprocessor_config.json', { ...PREPROCESSOR, ...changes.preprocessor })
}

/** The recipe of the model with these changes. */
async function recipeOf(changes: Changes): Promise<string> {
  await writeModel(changes)
  return (await readModel(directory)).recipe
}

const invalid = (...words: string[]) => ({
  code: 'model_invalid',
  message: expect.stringMatching(words.join('[^]*')),
})

describe('a model folder', () => {
  test('says what is needed to run it', async () => {
    await writeModel()
    expect(await readModel(directory)).toMatchObject({
      name: 'tiny',
      directory,
      dimension: 8,
      logitScale: 20,
      text: {
        contextLength: 28,
        padId: 0,
        padded: false,
        padWith: undefined,
        lowerCase: false,
        cleaning: undefined,
      },
      pixels: { resize: 'shortest-edge', widthPx: 224 },
      sessionConfig: {},
      recipe: expect.stringMatching(/^[0-9a-f]{16}$/),
    })
  })

  test('that is not there is model_missing', async () => {
    const missing = join(directory, 'nowhere')
    await expect(readModel(missing)).rejects.toMatchObject({
      code: 'model_missing',
      message: `No model at ${missing}: cannot read manifest.json`,
    })
  })

  test('whose manifest is no JSON is model_invalid', async () => {
    await writeModel()
    await writeFile(join(directory, 'manifest.json'), '{"name": "ti')
    await expect(readModel(directory)).rejects.toMatchObject(invalid('manifest.json is not valid'))
  })

  test.each([
    ['name', { name: 'Not A Name' }],
    ['license', { license: undefined }],
    ['sha256', { files: { [VISION_MODEL]: { sizeBytes: 1, sha256: 'abc' } } }],
    ['threshold', { relevance: { threshold: 2 } }],
  ])('whose manifest has a wrong %s is model_invalid', async (field, manifest) => {
    await writeModel({ manifest })
    await expect(readModel(directory)).rejects.toMatchObject(invalid('manifest.json', field))
  })

  test('whose manifest lacks a tower is model_invalid', async () => {
    await writeModel({ towers: { [VISION_MODEL]: 'weights' } })
    await expect(readModel(directory)).rejects.toMatchObject(invalid('must list', TEXT_MODEL))
  })

  test('whose config.json lacks the dimension is model_invalid', async () => {
    await writeModel({ config: { projection_dim: undefined } })
    await expect(readModel(directory)).rejects.toMatchObject(invalid('config.json'))
  })
})

describe('the recipe', () => {
  test('changes with the weights and with the preprocessing', async () => {
    const recipes = [
      await recipeOf({}),
      await recipeOf({ towers: { ...TOWERS, [VISION_MODEL]: 'other weights' } }),
      await recipeOf({ preprocessor: { size: 256 } }),
      await recipeOf({ preprocessor: { image_mean: [0.5, 0, 0] } }),
    ]
    expect(new Set(recipes).size).toBe(4)
  })

  test('stays with everything that does not decide a vector of a picture', async () => {
    const recipes = [
      await recipeOf({}),
      await recipeOf({ manifest: { title: 'Another title' } }),
      await recipeOf({ towers: { ...TOWERS, [TEXT_MODEL]: 'other weights' } }),
      await recipeOf({ preprocessor: { do_resize: true } }),
    ]
    expect(new Set(recipes).size).toBe(1)
  })
})

describe('checksums', () => {
  test('that are right pass, for all files and for some', async () => {
    await writeModel()
    const model = await readModel(directory)
    await verifyModel(model)
    await verifyModel(model, [TEXT_MODEL])
  })

  test.each([
    ['has one other byte', 'weights of the vision toweR'],
    ['is too short', 'weights'],
    ['is missing', null],
  ])('a file that %s is checksum_mismatch and named', async (_, content) => {
    await writeModel()
    const model = await readModel(directory)
    const path = join(directory, VISION_MODEL)
    if (content === null) await rm(path)
    else await writeFile(path, content)
    const mismatch = { code: 'checksum_mismatch', message: expect.stringContaining(path) }
    await expect(verifyModel(model)).rejects.toMatchObject(mismatch)
    await expect(verifyModel(model, [VISION_MODEL])).rejects.toMatchObject(mismatch)
    await verifyModel(model, [TEXT_MODEL])
  })

  test('a file that the manifest does not list is checksum_mismatch', async () => {
    await writeModel()
    const model = await readModel(directory)
    await expect(verifyModel(model, ['config.json'])).rejects.toMatchObject({
      code: 'checksum_mismatch',
    })
  })
})

describe('finding a model', () => {
  test('by name, whatever its case and the spaces around it', async () => {
    expect((await findModel(' Lucida-CLIP-1 ')).name).toBe('lucida-clip-1')
  })

  test('by folder', async () => {
    await writeModel()
    expect((await findModel(directory)).name).toBe('tiny')
  })

  test('that does not exist names those that do', async () => {
    await expect(findModel('clip-9000')).rejects.toMatchObject({
      code: 'model_missing',
      message: expect.stringMatching(/clip-9000.*lucida-clip-1/),
    })
  })

  test('every built-in model is as its manifest says', async () => {
    const models = await listModels()
    expect(models.map(({ name }) => name)).toContain('lucida-clip-1')
    for (const model of models) {
      expect(model.directory.endsWith(model.name)).toBe(true)
      await verifyModel(model)
    }
  })
})
