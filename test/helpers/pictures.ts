// Pictures made of numbers, so that tests need no picture files.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'

export type Rgb = readonly [number, number, number]

/** A picture of the given rows of pixels. */
export function pixels(rows: readonly (readonly (readonly number[])[])[]): Sharp {
  const channels = rows[0]![0]!.length as 1 | 3 | 4
  return sharp(Uint8Array.from(rows.flat(2)), {
    raw: { width: rows[0]!.length, height: rows.length, channels },
  })
}

/** Paints every pixel by its position, x and y in [0, 1). */
export function paint(width: number, height: number, colour: (x: number, y: number) => Rgb): Sharp {
  const row = (y: number) =>
    Array.from({ length: width }, (_, x) => colour(x / width, y / height).map(Math.round))
  return pixels(Array.from({ length: height }, (_, y) => row(y)))
}

/** Six small pictures that are easy to tell apart, by name. */
export const SMALL_PICTURES: Readonly<Record<string, () => Sharp>> = {
  red: () => paint(48, 32, () => [200, 20, 20]),
  green: () => paint(48, 32, () => [20, 160, 40]),
  sky: () => paint(64, 48, (_, y) => [60 + 150 * y, 130 + 90 * y, 230]),
  sunset: () => paint(64, 48, (_, y) => [250 - 60 * y, 180 - 150 * y, 60 + 40 * y]),
  stripes: () => paint(40, 40, (x) => (Math.floor(x * 8) % 2 ? [240, 240, 240] : [15, 15, 15])),
  disc: () =>
    paint(40, 60, (x, y) => (Math.hypot(x - 0.5, y - 0.5) < 0.3 ? [230, 210, 40] : [30, 60, 90])),
}

/** Writes the small pictures into a folder as `<name>.png`; returns their names. */
export async function writeSmallPictures(folder: string): Promise<string[]> {
  const names = Object.keys(SMALL_PICTURES)
  for (const name of names) {
    await writeFile(join(folder, `${name}.png`), await SMALL_PICTURES[name]!().png().toBuffer())
  }
  return names
}
