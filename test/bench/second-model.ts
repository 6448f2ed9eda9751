// A model that judges beside the one under test: any folder in the Hugging Face layout, which needs no
// manifest of ours.
import { readFile, symlink, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '../../src/core/hash.ts'
import { type Clip, openClip } from '../../src/models/clip.ts'
import { readModel, TEXT_MODEL, VISION_MODEL } from '../../src/models/manifest.ts'

const FILES = [
  'config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  VISION_MODEL,
  TEXT_MODEL,
]

/** Calls `use` with the model that LUCIDA_SEED_MODEL names, or with null where it names none. */
export async function withSecondModel<T>(use: (clip: Clip | null) => Promise<T>): Promise<T> {
  const folder = process.env.LUCIDA_SEED_MODEL
  if (!folder) return use(null)
  const directory = await mkdtemp(join(tmpdir(), 'lucida-second-'))
  try {
    await mkdir(join(directory, 'onnx'))
    const files: Record<string, { sizeBytes: number; sha256: string }> = {}
    for (const name of FILES) {
      const bytes = await readFile(join(folder, name))
      files[name] = { sizeBytes: bytes.length, sha256: sha256(bytes) }
      await symlink(join(folder, name), join(directory, name))
    }
    const manifest = { name: 'second', title: 'second', languages: ['en'], license: '', files }
    await writeFile(
      join(directory, 'manifest.json'),
      JSON.stringify({ ...manifest, sessionConfig: { 'session.disable_quant_qdq': '1' } }),
    )
    const clip = openClip(await readModel(directory), { threads: 0 })
    try {
      return await use(clip)
    } finally {
      await clip.close()
    }
  } finally {
    await rm(directory, { recursive: true })
  }
}
