// The layout of the grid: rows of equal height that fill the width, each picture in its own shape.

/** Where a picture lies. */
export interface Tile {
  readonly row: number
  readonly left: number
  readonly width: number
  readonly height: number
}

/** Sizes in whole CSS pixels. */
export interface Frame {
  readonly width: number
  /** Height that rows come close to. */
  readonly rowHeight: number
  readonly gap: number
}

/** Panoramas and strips are cut to this shape, or they would have a row to themselves. */
const MIN_RATIO = 0.5
const MAX_RATIO = 3
/** The last row is stretched as far as this, and otherwise stays ragged. */
const MAX_STRETCH = 1.3

/** Lays pictures out by their ratio of width to height, in order. */
export function justify(ratios: readonly number[], frame: Frame): Tile[] {
  const tiles: Tile[] = []
  let row: number[] = []
  let number = 0
  const close = (height: number) => {
    tiles.push(...layRow(row, number++, height, frame))
    row = []
  }
  for (const ratio of ratios) {
    const next = Math.min(Math.max(ratio, MIN_RATIO), MAX_RATIO)
    const height = fullHeight([...row, next], frame)
    if (height > frame.rowHeight) {
      row.push(next)
      continue
    }
    // The row is full. Whichever is closer to the wanted height: with this picture, or without.
    const without = row.length > 0 ? fullHeight(row, frame) : Infinity
    if (without / frame.rowHeight < frame.rowHeight / height) {
      close(without)
      row.push(next)
      const alone = fullHeight(row, frame)
      if (alone <= frame.rowHeight) close(alone)
    } else {
      row.push(next)
      close(height)
    }
  }
  if (row.length > 0) {
    const full = fullHeight(row, frame)
    close(full <= frame.rowHeight * MAX_STRETCH ? full : frame.rowHeight)
  }
  return tiles
}

/** The height at which these fill the width exactly. */
function fullHeight(ratios: readonly number[], { width, gap }: Frame): number {
  const sum = ratios.reduce((total, ratio) => total + ratio, 0)
  return (width - gap * (ratios.length - 1)) / sum
}

function layRow(ratios: readonly number[], row: number, exact: number, frame: Frame): Tile[] {
  const height = Math.max(1, Math.round(exact))
  const isFull = Math.abs(exact - fullHeight(ratios, frame)) < 1e-6
  let left = 0
  return ratios.map((ratio, i) => {
    // The last one takes what rounding has left.
    const isLast = i === ratios.length - 1
    const width = isLast && isFull ? frame.width - left : Math.round(ratio * exact)
    const tile = { row, left, width, height }
    left += width + frame.gap
    return tile
  })
}

export type Direction = 'left' | 'right' | 'up' | 'down'

/** The picture beside one, as an index; the same one at the edge. */
export function neighbour(tiles: readonly Tile[], from: number, direction: Direction): number {
  const here = tiles[from]
  if (!here) return from
  if (direction === 'left') return Math.max(0, from - 1)
  if (direction === 'right') return Math.min(tiles.length - 1, from + 1)
  const row = here.row + (direction === 'up' ? -1 : 1)
  const centre = here.left + here.width / 2
  let best = from
  let distance = Infinity
  for (const [i, tile] of tiles.entries()) {
    if (tile.row !== row) continue
    const away = Math.abs(tile.left + tile.width / 2 - centre)
    if (away < distance) [best, distance] = [i, away]
  }
  return best
}
