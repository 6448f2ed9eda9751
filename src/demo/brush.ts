// A small notation for drawing: every stroke of the brush is one line of text and becomes SVG.
// Everything here is pure; the same arguments always give the same string.
import { LucidaError } from '../core/errors.ts'
import { sha256 } from '../core/hash.ts'

/** A seeded generator (mulberry32) of numbers from 0 to 1. */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Calls `draw` for 0 … count - 1 and joins what it returns. */
export function times(count: number, draw: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => draw(index)).join('\n')
}

/**
 * Draws one stroke per line: `verb[:effect] colour[/opacity] [width] shape`.
 *
 * - `fill`; `line` (with a width); `down` and `across` (a gradient through `#a>#b>#c`);
 *   `ball`, `column` and `above` (a body with volume, lit from the left or from above)
 * - effect: see `withEffect`
 * - colour `shadow` (or a light's name) stands for that gradient of black and white
 * - shape: SVG path data, and `O x y rx [ry]` for an ellipse, `B x y width height [corner]` for a box
 *
 * Lines that begin with `<` are SVG already; lines that begin with a capital or a number go on.
 */
export function sketch(
  strings: TemplateStringsArray,
  ...values: readonly (string | number)[]
): string {
  const lines = String.raw({ raw: strings }, ...values).split(/\n\s*(?=[a-z<])/)
  return lines.map((line) => paint(line.trim())).join('\n')
}

const strokePattern =
  /^(?<verb>\w+)(:(?<effect>[\w.]+))? (?<colour>[^\s/]+)(\/(?<opacity>\S+))? ((?<width>[\d.]+) )?(?<shape>[A-Z][^]*)$/
const lights: readonly string[] = ['ball', 'column', 'above', 'shadow']

function paint(line: string): string {
  if (line === '' || line.startsWith('<')) return line
  const { verb, effect, colour, opacity, width, shape } = strokePattern.exec(line)?.groups ?? {}
  if (!verb || !colour || !shape) throw new LucidaError('internal', `Not a stroke: ${line}`)
  const d = outline(shape)
  const path = (colour: string) =>
    verb === 'line'
      ? `<path d="${d}" fill="none" stroke="${colour}" stroke-width="${width}" class="line"/>`
      : `<path d="${d}" fill="${colour}"/>`
  const plain = () => path(lights.includes(colour) ? `url(#${colour})` : colour)
  const painted =
    verb === 'down' || verb === 'across'
      ? gradient(verb, colour.split('>'), path)
      : plain() + (lights.includes(verb) ? path(`url(#${verb})`) : '')
  const visible = opacity ? `<g opacity="${opacity}">${painted}</g>` : painted
  return effect ? withEffect(effect, visible) : visible
}

/** Path data with ellipses and boxes spelled out as arcs and lines. */
function outline(shape: string): string {
  return shape.replaceAll(/([OB])([-\d\s.e]+)/g, (_, kind: string, list: string) => {
    const [x = 0, y = 0, a = 0, b = a, r = 0] = list.trim().split(/\s+/).map(Number)
    if (kind === 'O')
      return `M${x - a} ${y}a${a} ${b} 0 1 0 ${2 * a} 0a${a} ${b} 0 1 0 ${-2 * a} 0z`
    const corner = `a${r} ${r} 0 0 1`
    return `M${x + r} ${y}h${a - 2 * r}${corner} ${r} ${r}v${b - 2 * r}${corner} ${-r} ${r}h${2 * r - a}${corner} ${-r} ${-r}v${2 * r - b}${corner} ${r} ${-r}z`
  })
}

function gradient(verb: string, colours: readonly string[], path: (colour: string) => string) {
  const id = `${verb}${colours.join('').replaceAll('#', '')}`
  const stops = colours.map((colour, i) => stop(i / (colours.length - 1), colour))
  const end = verb === 'down' ? 'x2="0" y2="1"' : ''
  return `<linearGradient id="${id}" ${end}>${stops.join('')}</linearGradient>${path(`url(#${id})`)}`
}

/** A stop of a gradient, `offset` from 0 to 1. */
export function stop(offset: number, colour: string, opacity = 1): string {
  return `<stop offset="${offset}" stop-color="${colour}" stop-opacity="${opacity}"/>`
}

/** Content under a texture, `rounded`, `ragged` (soft edges torn by noise) or `blur` with a radius. */
export function withEffect(effect: string, content: string): string {
  const radius = /^blur([\d.]+)$/.exec(effect)?.[1]
  const blur = `<filter id="${effect}" x="-.5" y="-.5" width="2" height="2" color-interpolation-filters="sRGB"><feGaussianBlur stdDeviation="${radius}"/></filter>`
  return `${radius ? blur : ''}<g filter="url(#${effect})">${content}</g>`
}

/** Sketches a body with the volume of a cushion: its blurred outline is lit. */
export function rounded(...content: Parameters<typeof sketch>): string {
  return withEffect('rounded', sketch(...content))
}

/** Content moved to x, y, then scaled and turned (degrees) about that point. */
export function at(x: number, y: number, scale: number, content: string, turn = 0): string {
  return `<g transform="translate(${x} ${y}) rotate(${turn}) scale(${scale})">${content}</g>`
}

/** Content seen in a mirror that stands at `x`. */
export function mirrored(x: number, content: string): string {
  return `<g transform="translate(${2 * x} 0) scale(-1 1)">${content}</g>`
}

/** Content as still water below the line `y` shows it. */
export function reflected(y: number, content: string): string {
  const image = withEffect('blur3', content)
  return `<g transform="translate(0 ${2 * y}) scale(1 -1)" opacity=".6">${image}</g>`
}

/** Content cut off at the edge of a shape. */
export function inside(shape: string, content: string): string {
  const id = `inside${sha256(shape).slice(0, 8)}`
  const clip = `<clipPath id="${id}"><path d="${outline(shape)}"/></clipPath>`
  return `${clip}<g clip-path="url(#${id})">${content}</g>`
}

/** A round glow that fades out at `radius`. */
export function glow(x: number, y: number, radius: number, colour: string): string {
  const id = `glow${colour.replace('#', '')}`
  const stops = stop(0, colour, 0.9) + stop(0.3, colour, 0.4) + stop(1, colour, 0)
  return `<radialGradient id="${id}">${stops}</radialGradient>${paint(`fill url(#${id}) O${x} ${y} ${radius}`)}`
}
