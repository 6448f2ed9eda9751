// The whole training chain of the built-in generator on a handful of pictures, where its data sets
// and a Python with PyTorch are at hand.
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { obstacle, python } from './python.ts'

const GUARDS = 'the splits of the generator hold, and its formulas are right'
const name = "the generator's training chain runs from data sets to a whole model folder"

interface PipelineFile {
  readonly schema: string
  readonly files: Readonly<Record<string, { readonly sizeBytes: number; readonly sha256: string }>>
}

const reason = obstacle()
if (reason === undefined) {
  test(GUARDS, { timeout: 120_000 }, async () => {
    const { stderr } = await python(['-m', 'unittest', 'generate.tests'], process.env)
    expect(stderr).toMatch(/^OK$/m)
  })

  test(name, { timeout: 600_000 }, async () => {
    const cache = await mkdtemp(join(tmpdir(), 'lucida-generator-'))
    try {
      const env = { ...process.env, LUCIDA_TRAINING_CACHE: cache }
      const { stdout } = await python(['-m', 'generate.smoke'], env)
      expect(stdout).toContain('The chain is whole')

      const folder = join(cache, 'generate', 'smoke', 'model')
      const text = await readFile(join(folder, 'pipeline.json'), 'utf8')
      const { schema, files } = JSON.parse(text) as PipelineFile
      expect(schema).toBe('lucida.pipeline/1')
      expect(Object.keys(files)).toContain('onnx/decoder.onnx')
      for (const [file, { sizeBytes, sha256 }] of Object.entries(files)) {
        const bytes = await readFile(join(folder, file))
        expect([bytes.length, createHash('sha256').update(bytes).digest('hex')]).toEqual([
          sizeBytes,
          sha256,
        ])
      }
    } finally {
      await rm(cache, { recursive: true, force: true })
    }
  })
} else {
  test.skip(`${GUARDS} (skipped: ${reason})`, () => {})
  test.skip(`${name} (skipped: ${reason})`, () => {})
}
