// One model for many callers at once: their texts and pictures are encoded in common runs, texts that
// come again are not encoded at all, and every run is measured.
import { LRUCache } from 'lru-cache'
import { microBatch } from '../core/micro-batch.ts'
import type { UnitVector } from '../core/vector.ts'
import type { Clip } from './clip.ts'

/** A run of an encoder. */
export interface EncodeRun {
  readonly tower: 'text' | 'image'
  readonly items: number
  readonly ms: number
}

/** 20 MB at 512 dimensions. */
const CACHED_TEXTS = 10_000
/** Large enough to fill the cores, small enough that the first of a run does not wait for long. */
const TEXTS_PER_RUN = 16
const PICTURES_PER_RUN = 8

/** Tells `onRun` of every run. */
export function measureClip(clip: Clip, onRun: (run: EncodeRun) => void): Clip {
  const measured =
    <In>(tower: EncodeRun['tower'], embed: (items: readonly In[]) => Promise<UnitVector[]>) =>
    async (items: readonly In[]) => {
      const startedAt = performance.now()
      const vectors = await embed(items)
      if (items.length > 0) {
        onRun({ tower, items: items.length, ms: performance.now() - startedAt })
      }
      return vectors
    }
  return {
    ...clip,
    embedTexts: measured('text', clip.embedTexts),
    embedPixels: measured('image', clip.embedPixels),
  }
}

/** Joins concurrent calls, and remembers texts. */
export function shareClip(clip: Clip): Clip {
  const texts = new LRUCache<string, Promise<UnitVector>>({ max: CACHED_TEXTS })
  const encodeText = microBatch(clip.embedTexts, TEXTS_PER_RUN)
  const encodePixels = microBatch(clip.embedPixels, PICTURES_PER_RUN)
  const embedText = (text: string): Promise<UnitVector> => {
    const before = texts.get(text)
    if (before) return before
    const vector = encodeText(text)
    texts.set(text, vector)
    // A failure is not remembered.
    vector.catch(() => texts.delete(text))
    return vector
  }
  return {
    ...clip,
    embedTexts: (all) => Promise.all(all.map(embedText)),
    // None only loads the model.
    embedPixels: (all) =>
      all.length === 0 ? clip.embedPixels([]) : Promise.all(all.map(encodePixels)),
  }
}
