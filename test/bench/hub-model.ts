// A folder in the Hugging Face layout as one of our models. It needs no manifest of ours, and stays as
// it is.
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { copyFile, link, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type ModelSpec, readModel, TEXT_MODEL, VISION_MODEL } from '../../src/models/manifest.ts'

const FILES = [
  'config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  VISION_MODEL,
  TEXT_MODEL,
]

/** What a manifest may say beyond the files. */
interface Extra {
  readonly sessionConfig?: Readonly<Record<string, string>>
  readonly contextLength?: number
}

/**
 * Makes `directory` a model whose files are those of `folder`: the same files where it is on the same
 * disk, copies elsewhere. (onnxruntime looks for weights beside the file that a symbolic link names.)
 */
export async function adoptModel(
  folder: string,
  directory: string,
  name: string,
  extra: Extra = {},
): Promise<ModelSpec> {
  await mkdir(join(directory, 'onnx'), { recursive: true })
  const files: Record<string, { sizeBytes: number; sha256: string }> = {}
  const beside = (await readdir(join(folder, 'onnx'))).map((name) => `onnx/${name}`)
  const data = beside.filter((name) => FILES.some((file) => name.startsWith(`${file}_data`)))
  for (const file of [...FILES, ...data]) {
    const hash = createHash('sha256')
    await pipeline(createReadStream(join(folder, file)), hash)
    const { size } = await stat(join(folder, file))
    files[file] = { sizeBytes: size, sha256: hash.digest('hex') }
    const [from, to] = [join(folder, file), join(directory, file)]
    await link(from, to).catch(() => copyFile(from, to))
  }
  const manifest = { name, title: name, languages: ['en'], license: '', files, ...extra }
  await writeFile(join(directory, 'manifest.json'), JSON.stringify(manifest))
  return readModel(directory)
}

const CACHE = join(import.meta.dirname, '../../.cache/bench')

/** Where a model of open_clip with random weights lies, for which only its speed matters. */
export function randomModelFolder(architecture: string): string | undefined {
  const folder = join(CACHE, architecture)
  return FILES.every((file) => existsSync(join(folder, file))) ? folder : undefined
}

/** How to make one. */
export function howToExport(architecture: string): string {
  return `cd training && python -m export.open_clip ${architecture} --random --seed 0 ${join(CACHE, architecture)} (training/export/README.md)`
}
