// Perceptual hashes of the pictures that a pipeline was trained on, so that what it has learned by
// heart is noticed without having the pictures: 64 bits each, little-endian, in one file.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { countBits, MIN_SET_BITS, NEAR_COPY_BITS } from '../core/bits.ts'
import { verifyModel } from '../models/manifest.ts'
import type { PipelineSpec } from './pipeline-manifest.ts'

/** Optional, in the pipeline's folder. */
export const TRAINING_HASHES = 'training-hashes.bin'

/** Whether a picture's hash (16 hexadecimal digits) is near that of a training picture. */
export type Recalls = (perceptualHash: string) => boolean

/** Reads the hashes; a pipeline without them recalls nothing. Throws `checksum_mismatch`. */
export async function openTrainingHashes(spec: PipelineSpec): Promise<Recalls> {
  if (!spec.files[TRAINING_HASHES]) return () => false
  await verifyModel(spec, [TRAINING_HASHES])
  const bytes = await readFile(join(spec.directory, TRAINING_HASHES))
  const halves = Uint32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32LE(i * 4))
  return (perceptualHash) => {
    const high = Number.parseInt(perceptualHash.slice(0, 8), 16)
    const low = Number.parseInt(perceptualHash.slice(8), 16)
    if (countBits(high) + countBits(low) < MIN_SET_BITS) return false
    for (let i = 0; i < halves.length; i += 2) {
      if (countBits(halves[i]! ^ low) + countBits(halves[i + 1]! ^ high) <= NEAR_COPY_BITS)
        return true
    }
    return false
  }
}
