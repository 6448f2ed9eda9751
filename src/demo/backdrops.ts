// The large parts of a picture: sky, water, land, plants and town, for canvases up to 640 wide.
import { at, glow, inside, random, sketch, times, withEffect } from './brush.ts'

// --- Sky ---

/** Colours from the zenith down to the horizon. */
export const skies = {
  day: '#3f7fc9>#86b7e6>#d8eaf4',
  pale: '#8fb0cc>#c3d3de>#e6e9e8',
  grey: '#77818c>#9ba3aa>#b9bec0',
  storm: '#56687c>#8495a3>#bcc7cb',
  dusty: '#4f93d2>#9cc8e8>#f0e4c8',
  sunset: '#2f3a68>#8a4f78>#e2733f>#fbb84e>#ffe29a',
  night: '#050a1c>#0b1838>#1b3160>#33507f',
}

/** Clouds of noise, `cover` from 0 (few) to 1 (overcast), thinning out towards `height`. */
export function clouds(seed: number, height: number, cover = 0.5, colour = '#fff'): string {
  const id = `clouds${seed}`
  return `<filter id="${id}" x="0" y="0" width="1" height="1" color-interpolation-filters="sRGB">
<feTurbulence type="fractalNoise" baseFrequency=".006 .014" numOctaves="4" seed="${seed}"/>
<feColorMatrix values="0 0 0 0 1 0 0 0 0 1 0 0 0 0 1 4.5 0 0 0 ${1.6 * cover - 3}" result="mass"/>
<feComposite in="SourceGraphic" in2="mass" operator="in"/></filter>
<linearGradient id="${id}fade" x2="0" y2="1"><stop stop-color="${colour}" stop-opacity=".95"/>
<stop offset="1" stop-color="${colour}" stop-opacity=".2"/></linearGradient>
<rect width="640" height="${height}" fill="url(#${id}fade)" filter="url(#${id})"/>`
}

/** A blue sky down to `height`. */
export function daySky(height: number, seed: number, cover = 0.5): string {
  return sketch`down ${skies.day} B0 0 640 ${height}` + clouds(seed, height, cover)
}

/** A dark sky with `stars` of different brightness over the whole canvas. */
export function nightSky(seed: number, stars: number): string {
  const next = random(seed)
  const star = () =>
    sketch`fill #fff/${0.4 + next() * 0.6} O${next() * 640} ${next() * 480} ${0.5 + next() ** 4 * 1.8}`
  return sketch`down ${skies.night} B0 0 640 480` + times(stars, star)
}

/** The sun with its glare. */
export function sun(x: number, y: number, r: number, colour = '#fff3c4'): string {
  return (
    glow(x, y, r * 7, colour) + glow(x, y, r * 2.4, '#fff') + sketch`fill #fffbe8 O${x} ${y} ${r}`
  )
}

/** A full moon with its seas and a halo. */
export function moon(x: number, y: number, r: number): string {
  const disc = sketch`
    fill #f6f3e2 O0 0 100
    fill:blur8 #b9b7ab O-30 -20 34O20 -35 26O8 36 24`
  return glow(x, y, r * 4, '#cfe0ff') + at(x, y, r / 100, disc)
}

// --- Water and land ---

/** Water from `y` to the lower edge, coloured from far to near: fine ripples, then waves. */
export function water(y: number, colours: string): string {
  const [far, middle, ...near] = colours.split('>')
  return sketch`
    down:ripples ${far!}>${middle!} B0 ${y} 640 52
    down:water ${middle!}>${near.join('>')} B0 ${y + 50} 640 ${590 - y}`
}

/** Light on the water below a sun or moon: short strokes, wider towards the viewer. */
export function glitter(x: number, y: number, colour: string): string {
  const next = random(x)
  const dash = (i: number) => {
    const [near, half] = [i / 90, 3 + next() * (5 + i / 6)]
    const start = x + (next() - 0.5) * (30 + 110 * near) - half
    return sketch`line ${colour}/${0.9 - 0.6 * near} ${1 + 2.2 * near} M${start} ${y + near * 220}h${2 * half}`
  }
  return times(90, dash)
}

const rolling: readonly number[] = [0.3, 0.8, 0.2, 0.6, 0.4]

/** Land below a line through evenly spaced heights (0 to 1), with ever smaller jags between them. */
export function ridge(seed: number, y: number, height: number, jags = 0.25, profile = rolling) {
  const next = random(seed)
  let line = profile
  for (let size = jags; line.length < 129; size /= 2) {
    line = line.flatMap((v, i) => {
      const after = line[i + 1]
      return after === undefined ? [v] : [v, (v + after) / 2 + (next() - 0.5) * size]
    })
  }
  return `M0 640${line.map((v, i) => `L${i * 5} ${(y - v * height).toFixed(1)}`).join('')}V640z`
}

/** Rolling hills, from far and hazy to near. */
export function hills(seed: number, y: number, height: number, colours: string): string {
  const hill = (colour: string, i: number) =>
    sketch`fill ${colour} ${ridge(seed + i, y + i * height * 0.5, height)}`
  return colours.split('>').map(hill).join('')
}

/** Peaks of rock under snow; noise tears the snow line and the shaded flanks. */
export function mountain(seed: number, y: number, height: number, profile: readonly number[]) {
  const step = 640 / (profile.length - 1)
  const flank = (h: number, i: number) => {
    const [x, top] = [i * step, y - h * height]
    return `M${x + 4} ${top - 20}L${x + step} ${y + 60}H${x + 10}L${x + 30} ${y - height * 0.4}z`
  }
  const [top, whole] = [y - height, ridge(seed, y, height, 0.16, profile)]
  const face = sketch`
    down #6b7688>#5f6a7d>#6d7479 B0 ${top} 640 ${640 - top}
    down:ragged #ffff>#ffff>#fff8>#fff0 B0 ${top} 640 ${height}
    <g opacity=".45">${withEffect('ragged', sketch`fill:blur9 #3d5277 ${profile.map(flank).join('')}`)}</g>`
  return inside(whole, withEffect('rock', face))
}

// --- Plants ---

/** A fir of drooping tiers on a short trunk. */
export function fir(x: number, y: number, height: number, colour: string, snow = false): string {
  const skirt = (i: number, half: number, rise: number) => {
    const low = i * 19 - 70 - rise
    const tooth = (k: number) =>
      `L${half * (1 - k / 5)} ${low + (k % 2 ? 0 : 3) + 2.5 * Math.sin(k * 0.314)}`
    return `M0 ${i * 17 - 100}${times(11, tooth)}z`
  }
  const tier = (i: number) =>
    sketch`
      fill ${colour} ${skirt(i, 7 + 5 * i, 0)}
      fill #f1f5fb/${snow ? 1 : 0} ${skirt(i, 4 + 3.4 * i, 8)}`
  const tiers = times(5, (i) => tier(4 - i))
  return at(x, y, height / 100, sketch`fill #4a3524 B-2.5 -15 5 15` + tiers)
}

/** The shape of a clump of leaves: a disc with a curly rim. */
export function clump(seed: number, x: number, y: number, r: number): string {
  const next = random(seed)
  const curl = (i: number) => {
    const [reach, size] = [r * (0.8 + next() * 0.25), r * (0.12 + next() * 0.18)]
    return `O${x + Math.cos(i * 0.42) * reach} ${y + Math.sin(i * 0.42) * reach} ${size}`
  }
  return `O${x} ${y} ${r * 0.88}${times(15, curl)}`
}

/** A broad tree: a forked trunk under a crown of leaves, the last colours uppermost. */
export function tree(seed: number, x: number, y: number, height: number, colours: string): string {
  const next = random(seed)
  const shades = colours.split('>')
  const bunch = (i: number) => {
    const [angle, reach] = [next() * 6.28, Math.sqrt(next()) * 34]
    const [bx, by] = [Math.cos(angle) * reach, Math.sin(angle) * reach * 0.85 - 66]
    const shade = shades[Math.floor((i / 90) * shades.length)]!
    return sketch`fill ${shade} ${clump(i, bx, by, 5 + next() * 4)}`
  }
  const wood = sketch`
    across #6d5540>#3a2b1e M-6 0Q-3 -20 -3 -45H3Q3 -20 7 0z
    line #4c3a2a 3.5 M0 -25L-18 -55M0 -25L16 -55`
  const place = (part: string) => at(x, y, height / 100, part)
  return place(wood) + withEffect('leaves', place(times(90, bunch)))
}

/** A row of distant trees along `y`. */
export function treeline(seed: number, y: number, height: number, colours: string): string {
  const next = random(seed)
  const shades = colours.split('>')
  const crown = (i: number) => {
    const [x, top, r] = [i * 14 + next() * 16, y - height * next() * 0.5, 0.3 + next() * 0.3]
    return sketch`fill ${shades[i % shades.length]!} ${clump(i, x, top, height * r)}`
  }
  return withEffect('leaves', times(48, crown))
}

// --- Town ---

/** How the windows of a tower look, and which share of them does. */
export interface Panes {
  readonly colour: string
  readonly share: number
}

/** A tower block, `size` wide and high, its front shaded from left to right. */
export function tower(x: number, y: number, size: [number, number], wall: string, panes: Panes) {
  const next = random(Math.round(x * 7))
  const [columns, rows] = [Math.floor(size[0] / 10), Math.floor(size[1] / 14)]
  const gap = (size[0] - 4) / columns
  const pane = (i: number) =>
    next() < panes.share
      ? `B${x + 4 + (i % columns) * gap} ${y - size[1] + 7 + Math.floor(i / columns) * 14} 5 8`
      : ''
  return sketch`
    across ${wall} B${x} ${y - size[1]} ${size[0]} ${size[1]}
    fill ${panes.colour} M0 0${times(columns * rows, pane)}`
}

/** Towers side by side, the tallest in the middle of the canvas. */
export function skyline(y: number, height: number, walls: readonly string[], panes: Panes): string {
  const next = random(y)
  const block = (i: number) => {
    const x = i * 34 - 10 + next() * 14
    const tall = height * (0.35 + 0.65 * next()) * (0.5 + 0.5 * Math.sin(x / 204))
    return tower(x, y, [34 + next() * 26, 30 + tall], walls[i % walls.length]!, panes)
  }
  return times(19, block)
}
