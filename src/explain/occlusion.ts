// What a picture loses when a part of it is hidden (Zeiler & Fergus 2014, "Visualizing and Understanding
// Convolutional Networks"): for every model, whatever it consists of, at the cost of many runs.
import type { UnitVector } from '../core/vector.ts'
import type { Cells } from '../models/cells.ts'
import type { EmbedPixels } from '../models/clip.ts'
import type { PixelRule } from '../models/pixel-rule.ts'
import type { PixelTensor } from '../models/preprocess.ts'

/** How a picture is divided. */
export interface Division {
  /** Along each side. */
  readonly cells: number
  /** Side of what is hidden around a cell's centre, in cells: one alone hides too little. */
  readonly hidden: number
}

/** Chosen on validation rows (docs/explaining.md). */
const USUAL: Division = { cells: 8, hidden: 3 }
/** Pictures per run: enough to fill the cores. */
const BATCH = 16

/** The picture's vector without what it is when each part is hidden; `vector` is the whole picture's. */
export async function occlude(
  embedPixels: EmbedPixels,
  rule: PixelRule,
  pixels: PixelTensor,
  vector: UnitVector,
  division: Division = USUAL,
): Promise<Cells> {
  const side = division.cells
  const vectors: Float32Array[] = []
  const all = Array.from({ length: side * side }, (_, cell) => cell)
  for (let at = 0; at < all.length; at += BATCH) {
    const hidden = all.slice(at, at + BATCH).map((cell) => hide(pixels, rule, division, cell))
    for (const other of await embedPixels(hidden)) {
      vectors.push(vector.map((value, i) => value - other[i]!))
    }
  }
  return { width: side, height: side, vectors }
}

/** A copy in which the surroundings of a cell are of the model's mean colour, which is 0. */
function hide(
  pixels: PixelTensor,
  { widthPx, heightPx }: PixelRule,
  division: Division,
  cell: number,
): PixelTensor {
  const copy = Float32Array.from(pixels)
  const [left, right] = span(division, cell % division.cells, widthPx)
  const [top, bottom] = span(division, Math.floor(cell / division.cells), heightPx)
  for (let channel = 0; channel < 3; channel++) {
    for (let y = top; y < bottom; y++) {
      const row = (channel * heightPx + y) * widthPx
      copy.fill(0, row + left, row + right)
    }
  }
  return copy
}

/** From where to where a side of so many pixels is hidden. */
function span({ cells, hidden }: Division, cell: number, sidePx: number): [number, number] {
  const at = (place: number) => Math.round((place / cells) * sidePx)
  const centre = cell + 0.5
  return [Math.max(0, at(centre - hidden / 2)), Math.min(sidePx, at(centre + hidden / 2))]
}
