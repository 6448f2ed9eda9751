// A model that judges beside the one under test.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clip, openClip } from '../../src/models/clip.ts'
import { adoptModel } from './hub-model.ts'

/** Calls `use` with the model that LUCIDA_SEED_MODEL names, or with null where it names none. */
export async function withSecondModel<T>(use: (clip: Clip | null) => Promise<T>): Promise<T> {
  const folder = process.env.LUCIDA_SEED_MODEL
  if (!folder) return use(null)
  const directory = await mkdtemp(join(tmpdir(), 'lucida-second-'))
  const extra = { sessionConfig: { 'session.disable_quant_qdq': '1' } }
  try {
    const clip = openClip(await adoptModel(folder, directory, 'second', extra), { threads: 0 })
    try {
      return await use(clip)
    } finally {
      await clip.close()
    }
  } finally {
    await rm(directory, { recursive: true })
  }
}
