// What goes into the drawing of pictures and what comes out: the seam between whoever asks for
// pictures and the engine, which knows no model by name.
import type { UnitVector } from '../core/vector.ts'
import type { Raster, Size } from '../pictures/raster.ts'

/**
 * What is drawn: a text, or what texts mean together as a vector, which go through the pipeline's
 * prior; or the embedding of a picture, which goes to the decoder as it is. A pipeline that does not
 * work with embeddings takes texts only.
 */
export type Condition =
  | { readonly text: string }
  | { readonly meaning: UnitVector }
  | { readonly embedding: UnitVector }

/** What drawing begins with instead of noise. */
export interface Start {
  /** Resampled to the pipeline's size. */
  readonly picture: Raster
  /** How much of it goes, in (0, 1]: 1 keeps nothing. */
  readonly strength: number
  /** Of the picture's size, a byte a pixel: 255 is drawn anew, 0 is kept. All is drawn without it. */
  readonly mask?: Uint8Array
}

/** Pictures to draw, one for each seed. */
export interface DrawOrder {
  readonly condition: Condition
  /** What to stay away from, in place of nothing at all. */
  readonly negative?: Condition
  /** Whole numbers in [0, 2^32). A seed gives the same picture in whatever company it is drawn. */
  readonly seeds: readonly number[]
  /** Of the decoder; the pipeline's own number when not given. */
  readonly steps?: number
  /** Of the decoder: 1 follows the condition alone, more exaggerates it. */
  readonly guidance?: number
  /** How far a picture may stray from the embedding, in [0, 1]; 0 when not given. */
  readonly variation?: number
  readonly start?: Start
  /** Ends between two steps with the signal's reason. */
  readonly signal?: AbortSignal
}

/** How a drawing goes. */
export interface DrawEvent {
  readonly type: 'step'
  /** From 1. */
  readonly step: number
  readonly steps: number
  /** What each picture would be if this step were the last; every few steps, and not after the last. */
  readonly previews?: readonly Raster[]
}

/** A picture that was drawn. */
export interface Drawing {
  readonly seed: number
  readonly picture: Raster
  /** What the decoder was given, before variation, where the pipeline works with embeddings. */
  readonly embedding: UnitVector | null
}

/** What is known of a pipeline before it draws. */
export interface PainterSpec {
  readonly name: string
  /** SHA-256 of its files, by name. */
  readonly digests: Readonly<Record<string, string>>
  /** What it draws at. */
  readonly size: Size
  /** What an order gets that names none. */
  readonly defaults: { readonly steps: number; readonly guidance: number }
  /**
   * The vectors that it draws from, by model and recipe where it names one; `null` for one that
   * draws from texts alone.
   */
  readonly space: { readonly model: string; readonly recipe: string | null } | null
}

/** An open pipeline. One order is at work at a time; others wait in line. */
export interface Painter {
  readonly spec: PainterSpec
  /**
   * Draws; in the end it returns the pictures in the order of their seeds.
   * Throws `bad_input`, `model_invalid`, `checksum_mismatch`, the signal's reason.
   */
  draw(order: DrawOrder): AsyncGenerator<DrawEvent, Drawing[]>
  /** The embedding of a picture that texts of this meaning might have: the prior alone. */
  imagine(meaning: UnitVector, seed: number): Promise<UnitVector>
  /** Whether a perceptual hash is near that of a picture that the pipeline was trained on. */
  recalls(perceptualHash: string): Promise<boolean>
  close(): Promise<void>
}
