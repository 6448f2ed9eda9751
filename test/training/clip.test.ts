// The whole training chain of the built-in model on a handful of pictures, where its data sets and a
// Python with PyTorch are at hand.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { obstacle, python } from './python.ts'

const GUARDS = 'no validation row or held-out class leaks into training, and its formulas are right'
const CARDS = 'the committed model cards are those that the commands write'
const name = 'the training chain runs from data sets to a model that Lucida opens'

const reason = obstacle()
if (reason === undefined) {
  test(GUARDS, async () => {
    const { stderr } = await python(['-m', 'unittest', 'clip.tests'], process.env)
    expect(stderr).toMatch(/^OK$/m)
  })

  test.each(['clip', 'generate'])(`${CARDS}: %s`, async (training) => {
    const { stdout } = await python(['-m', `${training}.model_card`, '--print'], process.env)
    const model = training === 'clip' ? 'lucida-clip-1' : 'lucida-unclip-1'
    const committed = new URL(`../../models/${model}/MODEL_CARD.md`, import.meta.url)
    expect(stdout).toBe(await readFile(committed, 'utf8'))
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
  test.skip(`${CARDS} (skipped: ${reason})`, () => {})
  test.skip(`${name} (skipped: ${reason})`, () => {})
}
