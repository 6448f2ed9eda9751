// Composed places in which several of the drawn pictures are set.
import * as paint from './backdrops.ts'
import { random, rounded, sketch, times, withEffect } from './brush.ts'

/** The colours of water from far to near. */
export const waters = {
  sea: '#7fa9c4>#2f6f9c>#1d5580',
  lagoon: '#2e7fae>#3fa9bd>#9ed8cf',
  lake: '#5f8fae>#3d6f8c>#27506a',
  sunset: '#e79a55>#a85a52>#4d3350>#2a2440',
  night: '#2a3550>#141c30>#0a0e1a',
}

/** The sun going down over the sea; the horizon is at 250. */
export const sunsetSea = (): string =>
  sketch`
    down ${paint.skies.sunset} B0 0 640 254
    ${paint.clouds(21, 180, 0.35, '#ffb27a')}
    ${paint.sun(320, 226, 24, '#ffd27a')}
    ${paint.water(250, waters.sunset)}
    ${paint.glitter(320, 252, '#ffd890')}`

/** A sandy beach by a warm sea; the sand begins at about 320. */
export const shore = (seed: number): string =>
  sketch`
    ${paint.daySky(204, seed, 0.35)}
    ${paint.water(200, waters.lagoon)}
    down:sand #cdb07c>#ecd9aa>#dcc18b M0 330Q160 300 330 322T640 300V480H0z
    line #fff/.8 7 M0 328Q160 298 330 320T640 298
    line #fff/.5 3 M0 318Q170 290 340 311T640 290`

/** Short grass from 296 on, with trees and hills behind. */
export const lawn = (seed: number): string =>
  sketch`
    ${paint.daySky(280, seed)}
    ${paint.hills(seed, 270, 46, '#9db8b4>#86a878')}
    ${paint.treeline(seed, 296, 40, '#3f6b35>#527f3f>#35592e')}
    down:grass #8bb04e>#5f9238>#4b7a2c B0 296 640 190`

/** A drift of snow from `y` to the lower edge. */
export const snowField = (y: number): string =>
  sketch`down:snow #f4f7fc>#dfe8f4>#c5d4e8 M0 ${y}Q200 ${y - 24} 400 ${y}T640 ${y - 8}V640H0z`

/** A stand of firs about `height` tall across the canvas. */
export function firs(seed: number, y: number, height: number, colours: string, snow = false) {
  const next = random(seed)
  const shades = colours.split('>')
  const one = (i: number) => {
    const [x, foot, tall] = [i * 43 - 10 + next() * 26, y + next() * 12, 0.7 + next() * 0.6]
    return paint.fir(x, foot, height * tall, shades[i % shades.length]!, snow)
  }
  return withEffect('needles', times(16, one))
}

/** A road seen from the side, its near lane at about 410. */
export const asphalt = (y: number): string =>
  sketch`
    down:plaster #8b8d90>#66686c>#4a4c50 B0 ${y} 640 ${640 - y}
    ${times(7, (i) => sketch`line #f4f1e2 6 M${i * 100 - 20} ${y + 96}h54`)}`

/** A wooden table from 300 on, before a plain wall with window light. */
export const kitchen = (): string =>
  sketch`
    down:plaster #d8cfc0>#c3b6a2 B0 0 640 304
    fill:blur30 #fff8e0/.35 M60 40L230 0L300 200L130 250z
    fill shadow/.4 O320 300 640 16
    down:wood #a8703f>#7a4a26>#5c3519 B0 300 640 340`

/** Leaves far out of focus. */
export const foliage = (): string => {
  const shades = ['#d6e29a', '#527d3a', '#86ad55', '#3c612c']
  const patch = (i: number) =>
    sketch`fill ${shades[i % 4]!}/.8 O${(i * 157) % 640} ${(i * 97) % 480} ${40 + (i % 4) * 22}`
  return sketch`down #a9c46a>#6f9648>#3f6630 B0 0 640 640` + withEffect('blur24', times(14, patch))
}

/** Clear water with shafts of light, weed and a sandy ground. */
export function underwater(seed: number): string {
  const next = random(seed)
  const weed = (i: number) => {
    const x = i < 5 ? 20 + i * 26 : 370 + i * 30
    const tip = `${x - 30} 420 ${x + 30} 380 ${x - 10} ${300 + next() * 60}`
    return sketch`line ${i % 2 ? '#2f7a4a' : '#3f8f45'} 9 M${x} 470C${tip}`
  }
  const shaft = (i: number) => `M${60 + i * 120} -20L${i * 150 - 40} 420h50L${110 + i * 120} -20z`
  const bubble = () =>
    sketch`line #e8fbff/.6 1.5 O${next() * 640} ${next() * 400} ${3 + next() * 6}`
  return sketch`
    down #7fd0dc>#2f97b8>#126a94>#0c4870 B0 0 640 480
    fill:blur12 #e0fbff/.2 ${times(5, shaft)}
    down:sand #b8b48c>#7f8468 M0 430Q200 405 400 432T640 420V480H0z
    ${rounded`${times(9, weed)}`}
    ${times(16, bubble)}`
}
