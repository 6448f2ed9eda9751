// Perceptual hashes of the pictures that a pipeline was trained on, so that what it has learned by
// heart is noticed without having the pictures: 64 bits each, little-endian, in one file.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { differingEitherWay, hashBits, NEAR_COPY_BITS } from '../core/bits.ts'
import { verifyModel } from '../models/manifest.ts'
import type { PipelineSpec } from './pipeline-manifest.ts'

/** Optional, in the pipeline's folder. */
export const TRAINING_HASHES = 'training-hashes.bin'

/** Whether a picture's hash (16 hexadecimal digits) is near that of a training picture, or its mirror. */
export type Recalls = (perceptualHash: string) => boolean

/** Reads the hashes; a pipeline without them recalls nothing. Throws `checksum_mismatch`. */
export async function openTrainingHashes(spec: PipelineSpec): Promise<Recalls> {
  if (!spec.files[TRAINING_HASHES]) return () => false
  await verifyModel(spec, [TRAINING_HASHES])
  const bytes = await readFile(join(spec.directory, TRAINING_HASHES))
  const halves = Uint32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32LE(i * 4))
  return (perceptualHash) => {
    const own = hashBits(perceptualHash)
    if (!own) return false
    for (let i = 0; i < halves.length; i += 2) {
      const trained = { low: halves[i]!, high: halves[i + 1]! }
      if (differingEitherWay(own, trained) <= NEAR_COPY_BITS) return true
    }
    return false
  }
}
