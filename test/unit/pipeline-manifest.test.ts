import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import { openPainter } from '../../src/generate/painter.ts'
import { readPipeline } from '../../src/generate/pipeline-manifest.ts'
import {
  drawAll,
  editManifest,
  embedText,
  noisePicture,
  PIPELINES,
  withCopy,
} from '../helpers/toy-pipelines.ts'

const TOY = join(PIPELINES, 'toy-unclip')

/** Sampled as a consistency model. */
const lcmPrior = (prior: object, steps: number) => ({
  ...prior,
  prediction: 'sample',
  schedule: { type: 'diffusion', solver: 'lcm', steps, betas: { type: 'cosine' } },
})

/** Draws one picture with the pipeline in `directory`. */
async function drawWith(directory: string) {
  const embedTexts = async (texts: readonly string[]) => texts.map((text) => embedText(text))
  const painter = openPainter(await readPipeline(directory), { threads: 1, embedTexts })
  try {
    return await drawAll(painter, { condition: { text: 'a dog' }, seeds: [1] })
  } finally {
    await painter.close()
  }
}

describe('a pipeline’s manifest', () => {
  test('says what is needed, with defaults for the rest', async () => {
    expect(await readPipeline(TOY)).toMatchObject({
      name: 'toy-unclip',
      directory: TOY,
      batch: 8,
      sequential: false,
      prior: { samples: 4, guidance: { mode: 'keep', scale: 1 }, schedule: { start: 0.999 } },
    })
  })

  test('that is not there is model_missing', async () => {
    await expect(readPipeline(join(PIPELINES, 'nowhere'))).rejects.toMatchObject({
      code: 'model_missing',
      message: expect.stringContaining('cannot read pipeline.json'),
    })
  })

  test('that is no JSON is model_invalid', async () => {
    await withCopy('toy-unclip', async (directory) => {
      await writeFile(join(directory, 'pipeline.json'), '{"schema": "lucida.pipe')
      await expect(readPipeline(directory)).rejects.toMatchObject({ code: 'model_invalid' })
    })
  })

  // oxlint-disable-next-line typescript/no-explicit-any -- these break what the types promise
  test.each<[string, (manifest: any) => void, string]>([
    ['another schema', (it) => (it.schema = 'lucida.pipeline/2'), 'schema'],
    ['no licence', (it) => delete it.license, 'license'],
    ['a wrong digest', (it) => (it.files['onnx/prior.onnx'].sha256 = 'abc'), 'sha256'],
    ['an unknown solver', (it) => (it.decoder.schedule.solver = 'magic'), 'solver'],
    ['an unknown role', (it) => (it.decoder.inputs.colour = 'c'), 'colour'],
    ['no role for the noise', (it) => delete it.decoder.inputs.sample, 'sample'],
    ['too few means', (it) => it.embedding.mean.pop(), 'embedding.mean must have 8 numbers'],
    ['a deviation of 0', (it) => (it.embedding.std[3] = 0), 'std'],
    ['a file that is not listed', (it) => delete it.files['onnx/decoder.onnx'], 'must list'],
    ['weights that are not listed', (it) => (it.decoder.external = ['w.bin']), 'must list w.bin'],
    [
      'guidance without its input',
      (it) => delete it.decoder.inputs.keep,
      'decoder.guidance needs an input keep',
    ],
    ['ε on a flow', (it) => (it.decoder.prediction = 'epsilon'), 'cannot be epsilon on a flow'],
    [
      'more steps than there are',
      (it) => (it.prior = lcmPrior(it.prior, 60)),
      'at most 50 for steps',
    ],
    ['hidden states of nobody', (it) => (it.decoder.inputs.hidden = 'h'), 'inputs.hidden is told'],
    ['labels of nobody', (it) => (it.decoder.inputs.labels = 'l'), 'inputs.labels is told nothing'],
    ['an odd size', (it) => (it.size.widthPx = 18), 'multiple of 4'],
    ['a huge size', (it) => (it.size.widthPx = 1e6), 'widthPx'],
    ...['../secret', '/etc/passwd', 'a/../../b', 'C:\\x', 'a//b', './a', ''].map(
      (name): [string, (manifest: { files: Record<string, object> }) => void, string] => [
        `a file at ${JSON.stringify(name)}`,
        ({ files }) => (files[name] = files['onnx/prior.onnx']!),
        'below the folder',
      ],
    ),
  ])('with %s is model_invalid', async (_, edit, words) => {
    await withCopy('toy-unclip', async (directory) => {
      await editManifest(directory, edit)
      await expect(readPipeline(directory)).rejects.toMatchObject({
        code: 'model_invalid',
        message: expect.stringContaining(words),
      })
    })
  })
})

describe('files that are not what the manifest says', () => {
  test.each(['onnx/prior.onnx', 'onnx/decoder.onnx', 'onnx/codec-decoder.onnx'])(
    '%s with one other byte is checksum_mismatch, and drawn again once it is right',
    async (name) => {
      await withCopy('toy-unclip', async (directory) => {
        const path = join(directory, name)
        const right = await readFile(path)
        const wrong = Buffer.from(right)
        wrong[wrong.length >> 1]! ^= 1
        const painter = openPainter(await readPipeline(directory), {
          threads: 1,
          embedTexts: async (texts) => texts.map((text) => embedText(text)),
        })
        const draw = () => drawAll(painter, { condition: { text: 'a dog' }, seeds: [1] })
        try {
          await writeFile(path, wrong)
          await expect(draw()).rejects.toMatchObject({
            code: 'checksum_mismatch',
            message: expect.stringContaining(path),
          })
          await writeFile(path, right)
          expect((await draw()).drawings).toHaveLength(1)
        } finally {
          await painter.close()
        }
      })
    },
  )

  test('a file that is missing is checksum_mismatch', async () => {
    await withCopy('toy-unclip', async (directory) => {
      await rm(join(directory, 'onnx/decoder.onnx'))
      await expect(drawWith(directory)).rejects.toMatchObject({ code: 'checksum_mismatch' })
    })
  })

  test('a file that is no graph is model_invalid', async () => {
    await withCopy('toy-unclip', async (directory) => {
      const text = 'no graph'
      await writeFile(join(directory, 'onnx/decoder.onnx'), text)
      await editManifest(directory, ({ files }) => {
        files['onnx/decoder.onnx'] = { sizeBytes: text.length, sha256: sha256(text) }
      })
      await expect(drawWith(directory)).rejects.toMatchObject({ code: 'model_invalid' })
    })
  })
})

describe('a manifest that is not of its graphs', () => {
  // oxlint-disable-next-line typescript/no-explicit-any -- these break what the types promise
  test.each<[string, (manifest: any) => void, RegExp]>([
    ['an input', (it) => (it.decoder.inputs.time = 'when'), /decoder.onnx .* has no input when/],
    ['an output', (it) => (it.decoder.output = 'w'), /has no output w/],
    ['a rank', (it) => (it.decoder.inputs.time = 'emb'), /takes emb as \[rows, 8\]/],
    ['a prior’s output', (it) => (it.prior.output = 'y'), /prior.onnx .* has no output y/],
    ['channels', (it) => (it.codec.channels = 3), /Cannot run .*decoder.onnx/],
    ['an input too few', (it) => delete it.decoder.inputs.noise, /aug/],
  ])('as to %s is model_invalid', async (_, edit, words) => {
    await withCopy('toy-unclip', async (directory) => {
      await editManifest(directory, edit)
      await expect(drawWith(directory)).rejects.toMatchObject({
        code: 'model_invalid',
        message: expect.stringMatching(words),
      })
    })
  })

  test('as to the picture that comes out is model_invalid', async () => {
    await withCopy('toy-unclip', async (directory) => {
      await editManifest(directory, (it) => {
        it.codec.downscale = 2
        it.size = { widthPx: 8, heightPx: 8 }
      })
      await expect(drawWith(directory)).rejects.toMatchObject({
        code: 'model_invalid',
        message: expect.stringContaining('image has the shape'),
      })
    })
  })

  test('as to the latent that goes in is model_invalid', async () => {
    await withCopy('toy-unclip', async (directory) => {
      await editManifest(directory, (it) => (it.codec.encode.output = 'image'))
      const painter = openPainter(await readPipeline(directory), {
        threads: 1,
        embedTexts: async (texts) => texts.map((text) => embedText(text)),
      })
      const start = { picture: noisePicture(8, 8), strength: 0.5 }
      const order = { condition: { text: 'a dog' }, seeds: [1], start }
      await expect(drawAll(painter, order)).rejects.toMatchObject({ code: 'model_invalid' })
      await painter.close()
    })
  })
})
