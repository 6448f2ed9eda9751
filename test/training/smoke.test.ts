// The whole training chain of the built-in model on a handful of pictures, where its data sets and a
// Python with PyTorch are at hand.
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'

const TRAINING = fileURLToPath(new URL('../../training', import.meta.url))
const PYTHON = process.env.LUCIDA_PYTHON ?? 'python3'
const NEEDS = 'import torch, onnx, onnxruntime, tokenizers, PIL, matplotlib'
const GUARDS = 'no validation row or held-out class leaks into training, and its formulas are right'
const name = 'the training chain runs from data sets to a model that Lucida opens'

/** Why the chain cannot run here, if it cannot. */
function obstacle(): string | undefined {
  if (!process.env.LUCIDA_DATASETS) return 'LUCIDA_DATASETS names no data folder'
  const { status } = spawnSync(PYTHON, ['-c', NEEDS])
  if (status !== 0) {
    return `${PYTHON} lacks what training/clip/requirements.txt names; LUCIDA_PYTHON names another`
  }
  return undefined
}

const reason = obstacle()
if (reason === undefined) {
  test(GUARDS, async () => {
    const { stderr } = await python(['-m', 'unittest', 'clip.tests'], process.env)
    expect(stderr).toMatch(/^OK$/m)
  })

  test(name, { timeout: 400_000 }, async () => {
    const cache = await mkdtemp(join(tmpdir(), 'lucida-training-'))
    try {
      const { stdout } = await python(['-m', 'clip.smoke'], {
        ...process.env,
        LUCIDA_TRAINING_CACHE: cache,
      })
      expect(stdout).toContain('The chain is whole')

      const clip = openClip(await findModel(join(cache, 'smoke', 'model')), { threads: 1 })
      const [text] = await clip.embedTexts(['a dog on the beach'])
      const { heightPx, widthPx } = clip.model.pixels
      const [picture] = await clip.embedPixels([new Float32Array(3 * heightPx * widthPx)])
      await clip.close()
      expect([text!.length, picture!.length]).toEqual([256, 256])
    } finally {
      await rm(cache, { recursive: true, force: true })
    }
  })
} else {
  test.skip(`${GUARDS} (skipped: ${reason})`, () => {})
  test.skip(`${name} (skipped: ${reason})`, () => {})
}

function python(
  args: string[],
  env: NodeJS.ProcessEnv,
): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(PYTHON, args, { cwd: TRAINING, env, maxBuffer: 2 ** 24 })
}
