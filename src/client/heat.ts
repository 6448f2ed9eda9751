// Numbers as colours for a heat map, in browsers and in files: matplotlib's inferno (van der Walt and
// Smith 2015), which grows lighter throughout, so that it can be read without telling colours apart.

/** Red, green and blue at equal steps from the least to the most. */
const INFERNO = [
  [0, 0, 4],
  [51, 10, 95],
  [120, 28, 109],
  [190, 55, 82],
  [237, 105, 37],
  [252, 181, 25],
  [252, 255, 164],
] as const

/** How much of the picture the colours cover, of 255. */
const OPACITY = 150

/** Values between the least and the most -> 0 to 1; all 0 where they are equal. */
export function scaleHeat(values: readonly number[]): number[] {
  const least = Math.min(...values)
  const range = Math.max(...values) - least
  return values.map((value) => (range > 0 ? (value - least) / range : 0))
}

/** Red, green, blue and opacity of each value. */
export function colourHeat(values: readonly number[]): Uint8ClampedArray<ArrayBuffer> {
  const colours = new Uint8ClampedArray(values.length * 4)
  scaleHeat(values).forEach((heat, i) => {
    const at = heat * (INFERNO.length - 1)
    const below = Math.min(Math.floor(at), INFERNO.length - 2)
    for (let c = 0; c < 3; c++) {
      const [from, to] = [INFERNO[below]![c]!, INFERNO[below + 1]![c]!]
      colours[i * 4 + c] = from + (at - below) * (to - from)
    }
    colours[i * 4 + 3] = OPACITY
  })
  return colours
}
