// The exporter of large pipelines on small ones, where diffusers is at hand: Lucida draws with what it
// leaves as diffusers' own pipelines do.
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPainter } from '../../src/generate/painter.ts'
import { readPipeline } from '../../src/generate/pipeline-manifest.ts'
import { drawAll } from '../helpers/toy-pipelines.ts'

const TRAINING = fileURLToPath(new URL('../../training', import.meta.url))
const PYTHON = process.env.LUCIDA_PYTHON ?? 'python3'
const NEEDS = 'import torch, onnx, onnxruntime, diffusers, transformers'
const PIPELINES = ['kandinsky-2.2', 'karlo-v1', 'lcm-dreamshaper-v7']

interface Expected {
  readonly prompt: string
  readonly seed: number
  readonly steps: number
  readonly pixels: readonly number[]
  readonly embedding: readonly number[] | null
}

const environment = { ...process.env, HF_HUB_OFFLINE: '1', OMP_NUM_THREADS: '1' }
const lacking = spawnSync(PYTHON, ['-c', NEEDS], { env: environment }).status !== 0
const skipped = `${PYTHON} lacks torch, onnx, onnxruntime, diffusers or transformers; LUCIDA_PYTHON names another`

describe.skipIf(lacking)(`exported pipelines${lacking ? ` (skipped: ${skipped})` : ''}`, () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lucida-export-'))
    const options = { cwd: TRAINING, env: environment, maxBuffer: 2 ** 26 }
    await promisify(execFile)(PYTHON, ['-m', 'export.tiny', folder], options)
  }, 600_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test.each(PIPELINES)('%s draws what diffusers draws, give or take a byte', async (name) => {
    const directory = join(folder, name)
    const expected = JSON.parse(
      await readFile(join(directory, 'expected.json'), 'utf8'),
    ) as Expected
    const painter = openPainter(await readPipeline(directory), {
      threads: 1,
      embedTexts: () => Promise.reject(new Error('it has an encoder of its own')),
    })
    const { drawings } = await drawAll(painter, {
      condition: { text: expected.prompt },
      seeds: [expected.seed],
      steps: expected.steps,
    })
    await painter.close()
    const { picture, embedding } = drawings[0]!
    expected.embedding?.forEach((value, i) => expect(embedding![i]).toBeCloseTo(value, 4))
    expect(picture.data).toHaveLength(expected.pixels.length)
    const off = expected.pixels.map((value, i) => Math.abs(value - picture.data[i]!))
    expect(Math.max(...off)).toBeLessThanOrEqual(2)
    expect(off.filter((value) => value > 0).length).toBeLessThan(off.length / 20)
  })
})
