// A second model that needs no download: the built-in one with another pixel rule, so that it sees
// every picture in other colours. Its vectors are as long, and differ, so mixing them would show.
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sha256 } from '../../src/core/hash.ts'

const BUILT_IN = fileURLToPath(new URL('../../models/lucida-clip-1', import.meta.url))

/** Its name. */
export const ALTERED = 'altered-clip'

/** Writes it below `modelsDir`. */
export async function writeAlteredModel(modelsDir: string, name = ALTERED): Promise<void> {
  const folder = join(modelsDir, name)
  await mkdir(folder, { recursive: true })
  const manifest = JSON.parse(await readFile(join(BUILT_IN, 'manifest.json'), 'utf8'))
  for (const file of Object.keys(manifest.files)) {
    if (file === PIXELS) continue
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await symlink(join(BUILT_IN, file), join(folder, file))
  }
  const rule = JSON.parse(await readFile(join(BUILT_IN, PIXELS), 'utf8'))
  const altered = JSON.stringify({
    ...rule,
    image_mean: [0.2, 0.45, 0.7],
    image_std: [0.5, 0.3, 0.2],
  })
  await writeFile(join(folder, PIXELS), altered)
  const digest = { sizeBytes: Buffer.byteLength(altered), sha256: sha256(altered) }
  const files = { ...manifest.files, [PIXELS]: digest }
  await writeFile(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, name, files }))
}

const PIXELS = 'preprocessor_config.json'
