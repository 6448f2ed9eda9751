// CLIP's tokens with the whole vocabulary, on the captions of Flickr30k, where a Python with open_clip
// and the data sets are at hand. test/golden/tokenizers.test.ts needs neither.
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openTokenizer } from '../../src/models/tokenizer.ts'
import { python } from './python.ts'

const name = 'captions are cut as open_clip cuts them, by its own vocabulary'

const reason = obstacle()
if (reason === undefined) {
  test(name, { timeout: 600_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lucida-captions-'))
    try {
      const { stdout } = await python(['-m', 'export.token_counts', folder], process.env)
      console.log(stdout.trim())
      const json = await readFile(join(folder, 'captions.json'), 'utf8')
      const { texts, ids } = JSON.parse(json) as { texts: string[]; ids: number[][] }
      const tokenize = await openTokenizer({
        directory: folder,
        text: { contextLength: 77, padId: 0 },
      })
      const wrong = texts.filter((text, i) => tokenize(text).join() !== ids[i]!.join())
      expect(wrong).toEqual([])
      expect(texts.length).toBeGreaterThan(100_000)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
} else {
  test.skip(`${name} (skipped: ${reason})`, () => {})
}

function obstacle(): string | undefined {
  if (!process.env.LUCIDA_DATASETS) return 'LUCIDA_DATASETS names no data folder'
  const command = process.env.LUCIDA_PYTHON ?? 'python3'
  const { status } = spawnSync(command, ['-c', 'import open_clip, transformers'])
  if (status === 0) return undefined
  return `${command} lacks what training/export/clip-requirements.txt names; LUCIDA_PYTHON names another`
}
