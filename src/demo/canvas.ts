// The three sizes of canvas, and the light, grain and textures that every drawn picture shares.
// Textures are lit noise, so that the pictures have some of the statistics of photographs.
import { sketch, stop } from './brush.ts'

/** Noise across and along in cycles per pixel, height of its bumps, ragged edge in pixels. */
const textures = {
  grass: [0.09, 0.2, 2.2, 0],
  meadow: [0.02, 0.09, 3.5, 0],
  needles: [0.06, 0.09, 2, 9],
  leaves: [0.07, 0.07, 3.5, 20],
  rock: [0.013, 0.016, 20, 34],
  snow: [0.008, 0.025, 4, 0],
  sand: [0.03, 0.09, 1.5, 0],
  ripples: [0.02, 0.3, 2, 0],
  water: [0.009, 0.06, 3.8, 0],
  wood: [0.004, 0.09, 3, 0],
  bark: [0.09, 0.012, 2.5, 0],
  fur: [0.16, 0.1, 1.6, 6],
  plaster: [0.15, 0.15, 0.6, 0],
} as const

const textureFilters = Object.entries(textures)
  .map(([name, [across, along, bump, ragged]]) => {
    const body = ragged ? 'ragged' : 'SourceGraphic'
    return `
<filter id="${name}" x="-.05" y="-.05" width="1.1" height="1.1" color-interpolation-filters="sRGB">
  ${ragged ? raggedBy(ragged) : ''}
  <feTurbulence type="fractalNoise" baseFrequency="${across} ${along}" numOctaves="3" seed="4"/>
  ${litOver(body, bump)}
</filter>`
  })
  .join('')

function raggedBy(pixels: number): string {
  return `<feTurbulence type="fractalNoise" baseFrequency=".05" numOctaves="2"/>
  <feDisplacementMap in="SourceGraphic" scale="${pixels}" xChannelSelector="R" yChannelSelector="G" result="ragged"/>`
}

/** Lights the bumps of the previous step from the upper left and multiplies with `body`. */
function litOver(body: string, bump: number): string {
  return `<feDiffuseLighting surfaceScale="${bump}" diffuseConstant="1.27" result="light">
    <feDistantLight azimuth="238" elevation="53"/>
  </feDiffuseLighting>
  <feComposite in="light" in2="${body}" operator="arithmetic" k1="1"/>`
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
  ${litOver('SourceGraphic', 7)}
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
