// The three sizes of canvas, and the light, grain and textures that every drawn picture shares.
// Textures are lit noise, so that the pictures have some of the statistics of photographs.
import { sketch, stop } from './brush.ts'

/** Noise across and along in cycles per pixel, and the height of its bumps. */
const textures = {
  grass: [0.09, 0.2, 2.2],
  meadow: [0.02, 0.09, 3.5],
  needles: [0.06, 0.09, 2],
  leaves: [0.07, 0.07, 3.5],
  rock: [0.013, 0.016, 15],
  snow: [0.008, 0.025, 4],
  sand: [0.03, 0.09, 1.5],
  ripples: [0.02, 0.3, 2],
  water: [0.009, 0.06, 3.8],
  wood: [0.004, 0.09, 3],
  bark: [0.09, 0.012, 2.5],
  fur: [0.16, 0.1, 1.6],
  plaster: [0.15, 0.15, 0.6],
} as const

const textureFilters = Object.entries(textures)
  .map(
    ([name, [across, along, bump]]) => `
<filter id="${name}" x="-.05" y="-.05" width="1.1" height="1.1" color-interpolation-filters="sRGB">
  <feTurbulence type="fractalNoise" baseFrequency="${across} ${along}" numOctaves="2" seed="4"/>
  ${litBy(bump)}
</filter>`,
  )
  .join('')

/** Lights the bumps of the previous step from the upper left and multiplies with the content. */
function litBy(bump: number): string {
  return `<feDiffuseLighting surfaceScale="${bump}" diffuseConstant="1.27">
    <feDistantLight azimuth="238" elevation="53"/>
  </feDiffuseLighting>
  <feComposite in2="SourceGraphic" operator="arithmetic" k1="1"/>`
}

const definitions = `<style>.line { stroke-linecap: round; stroke-linejoin: round }</style>
<radialGradient id="ball" cx=".36" cy=".3" r=".75">
  ${stop(0, '#fff', 0.5)}${stop(0.4, '#fff', 0)}${stop(0.55, '#000', 0.05)}${stop(1, '#000', 0.55)}
</radialGradient>
<linearGradient id="column">
  ${stop(0, '#000', 0.25)}${stop(0.3, '#fff', 0.3)}${stop(0.6, '#000', 0.05)}${stop(1, '#000', 0.5)}
</linearGradient>
<linearGradient id="above" x2="0" y2="1">
  ${stop(0, '#fff', 0.3)}${stop(0.45, '#fff', 0)}${stop(1, '#000', 0.5)}
</linearGradient>
<radialGradient id="shadow">
  ${stop(0, '#000', 0.8)}${stop(0.5, '#000', 0.45)}${stop(1, '#000', 0)}
</radialGradient>
<radialGradient id="vignette" r=".75">${stop(0.6, '#000', 0)}${stop(1, '#000', 0.25)}</radialGradient>
<filter id="rounded" color-interpolation-filters="sRGB">
  <feGaussianBlur in="SourceAlpha" stdDeviation="7"/>
  ${litBy(7)}
</filter>
<filter id="ragged" x="0" y="0" width="1" height="1" color-interpolation-filters="sRGB">
  <feTurbulence type="fractalNoise" baseFrequency=".02 .03" numOctaves="3" seed="6"/>
  <feComposite in2="SourceAlpha" operator="arithmetic" k2="9" k3="9" k4="-8.5" result="mask"/>
  <feColorMatrix in="SourceGraphic" values="1 0 0 0 0  0 1 0 0 0  0 0 1 0 0  0 0 0 99 0"/>
  <feComposite in2="mask" operator="in"/>
</filter>
<filter id="noise" x="0" y="0" width="1" height="1">
  <feTurbulence type="fractalNoise" baseFrequency=".7" numOctaves="1" stitchTiles="stitch"/>
  <feColorMatrix values="0 0 0 0 0  0 0 0 0 0  0 0 0 0 0  .3 .3 0 0 -.28"/>
</filter>
<pattern id="grain" width="128" height="128" patternUnits="userSpaceOnUse">
  <rect width="128" height="128" filter="url(#noise)"/>
</pattern>${textureFilters}`

function canvas(width: number, height: number) {
  return (...content: Parameters<typeof sketch>): string => {
    const lens = sketch`
      fill url(#vignette) B0 0 ${width} ${height}
      fill url(#grain) B0 0 ${width} ${height}`
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
<defs>${definitions}</defs>${sketch(...content)}${lens}</svg>`
  }
}

/** A picture of 640 × 480 pixels, drawn as by `sketch`. */
export const wide = canvas(640, 480)

/** A picture of 480 × 640 pixels, drawn as by `sketch`. */
export const tall = canvas(480, 640)

/** A picture of 512 × 512 pixels, drawn as by `sketch`. */
export const square = canvas(512, 512)
