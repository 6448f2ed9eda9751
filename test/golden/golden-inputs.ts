// What the golden vectors are recorded from and checked against: short texts, and pictures made of
// numbers. Changing anything here asks for a new recording (`npm run golden`).
import type { Sharp } from 'sharp'
import { paint } from '../helpers/pictures.ts'

/** One short, one with everything a tokenizer may stumble over, one beyond the context. */
export const GOLDEN_TEXTS: readonly string[] = [
  'a dog runs on the beach',
  'Two women, 3 kites & a café — at "sunset"!',
  'a very long caption about a red car in the snow '.repeat(8),
]

/** A smooth picture, smaller than any model's input, and one full of edges, larger than most. */
export const GOLDEN_PICTURES: Readonly<Record<string, () => Sharp>> = {
  sunset: () => paint(60, 40, (x, y) => [250 - 90 * y, 190 - 150 * y + 20 * x, 60 + 60 * y]),
  lattice: () =>
    paint(500, 350, (x, y) => [
      255 * Math.abs(Math.sin(40 * x + 9 * y)),
      (Math.floor(x * 20) + Math.floor(y * 14)) % 2 ? 230 : 40,
      255 * y,
    ]),
}

/** The file `test/golden/<model>.json`. */
export interface Golden {
  readonly provenance: {
    readonly tool: string
    readonly versions: Readonly<Record<string, string>>
    readonly command: string
    readonly date: string
    readonly tolerance: string
    readonly note: string
  }
  readonly model: string
  readonly recipe: string
  readonly texts: readonly { readonly text: string; readonly vector: readonly number[] }[]
  readonly pictures: readonly { readonly name: string; readonly vector: readonly number[] }[]
}
