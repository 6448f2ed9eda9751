// Runs the training code, where its data sets and a Python with PyTorch are at hand.
import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const TRAINING = fileURLToPath(new URL('../../training', import.meta.url))
const PYTHON = process.env.LUCIDA_PYTHON ?? 'python3'
const NEEDS = 'import torch, onnx, onnxruntime, tokenizers, PIL, matplotlib'

/** Why no training can run here, if it cannot. */
export function obstacle(): string | undefined {
  if (!process.env.LUCIDA_DATASETS) return 'LUCIDA_DATASETS names no data folder'
  const { status } = spawnSync(PYTHON, ['-c', NEEDS])
  if (status !== 0) {
    return `${PYTHON} lacks what training/clip/requirements.txt names; LUCIDA_PYTHON names another`
  }
  return undefined
}

/** Runs Python in the training folder; rejects when it fails. */
export function python(
  args: string[],
  env: NodeJS.ProcessEnv,
): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(PYTHON, args, { cwd: TRAINING, env, maxBuffer: 2 ** 24 })
}
