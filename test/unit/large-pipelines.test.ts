// The manifests of large pipelines, with what is known only once their weights are at hand made up.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { checkOrder } from '../../src/generate/check-order.ts'
import { readPipeline } from '../../src/generate/pipeline-manifest.ts'

const TEMPLATES = fileURLToPath(new URL('../../training/export/pipelines', import.meta.url))

interface Template {
  readonly name: string
  readonly embedding?: { readonly dimension: number }
  readonly text: { readonly tokenizer: object }
}

/** Every file that a graph is read from. */
function graphFiles(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([key, value]) =>
    key === 'file' ? [String(value)] : graphFiles(value),
  )
}

/** As training/export/unclip.py completes it. */
function completed(template: Template): object {
  const names = [
    ...graphFiles(template),
    'tokenizer/tokenizer.json',
    'tokenizer/tokenizer_config.json',
  ]
  const files = names.map((name) => [name, { sizeBytes: 1, sha256: '0'.repeat(64) }])
  const { embedding, text } = template
  const numbers = (value: number) => Array.from({ length: embedding!.dimension }, () => value)
  return {
    ...template,
    files: Object.fromEntries(files),
    text: { ...text, tokenizer: { ...text.tokenizer, padId: 0 } },
    ...(embedding && { embedding: { ...embedding, mean: numbers(0), std: numbers(1) } }),
  }
}

const names = await readdir(TEMPLATES)

test('there is one for each family', () => {
  expect(names.sort()).toEqual(['kandinsky-2.2.json', 'karlo-v1.json', 'lcm-dreamshaper-v7.json'])
})

test.each(names)('%s is valid once it is completed, and takes texts', async (file) => {
  const template = JSON.parse(await readFile(join(TEMPLATES, file), 'utf8')) as Template
  expect(`${template.name}.json`).toBe(file)
  const directory = await mkdtemp(join(tmpdir(), 'lucida-pipeline-'))
  try {
    await writeFile(join(directory, 'pipeline.json'), JSON.stringify(completed(template)))
    const spec = await readPipeline(directory)
    expect(spec).toMatchObject({ name: template.name, sequential: true, batch: 1 })
    checkOrder({ condition: { text: 'a red cat' }, seeds: [1] }, spec)
    // Nothing of it is known before the export, so it cannot be used as it lies here.
    await writeFile(join(directory, 'pipeline.json'), JSON.stringify(template))
    await expect(readPipeline(directory)).rejects.toMatchObject({ code: 'model_invalid' })
  } finally {
    await rm(directory, { recursive: true })
  }
})
