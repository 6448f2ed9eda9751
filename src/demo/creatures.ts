// The drawn pictures of people and animals.
import {
  bird,
  butterfly,
  cat,
  cow,
  dog,
  duck,
  fish,
  horse,
  robin,
  school,
  sheep,
} from './animals.ts'
import { daySky, fir, mountain, skies, treeline, water } from './backdrops.ts'
import { at, inside, mirrored, random, sketch, times, withEffect } from './brush.ts'
import { square, tall, wide } from './canvas.ts'
import { bicycle, parasol, person, umbrella } from './figures.ts'
import { foliage, lawn, shore, sunsetSea, underwater, waters } from './settings.ts'

/** Pictures by name, each drawn when asked for. */
export const creatures: Record<string, () => string> = {
  'people-on-beach': () => wide`
    ${shore(15)}
    ${at(110, 400, 1.1, parasol('#d8433a'))}
    ${stand(540, 396, 1.35, person('standing', { shirt: '#e2703a', trousers: '#27406a' }))}
    ${stand(596, 400, 0.95, person('standing', { shirt: '#6d4aa0', trousers: '#6d4aa0' }))}
    ${stand(330, 390, 1.3, person('standing', { shirt: '#3aa08c', trousers: '#3aa08c', hair: '#a5702f' }))}
    ${stand(230, 400, 1.4, person('walking', { shirt: '#d8a078', trousers: '#c43a4a' }))}
    ${stand(140, 446, 1.7, person('standing', { shirt: '#f0c23c', trousers: '#2f5f9a' }))}
    ${stand(430, 446, 1.8, person('walking', { shirt: '#fafafa', trousers: '#3d6a3f', skin: '#8a5a3a' }))}`,
  'child-with-ball': () => wide`
    ${shore(19)}
    ${stand(250, 450, 2.9, person('kicking', { shirt: '#f2c230', trousers: '#2f62b0', hair: '#7a4a22' }))}
    ${at(410, 446, 1.15, beachBall)}`,
  'couple-at-sunset': () => wide`
    ${sunsetSea()}
    down:sand #a06e52>#5a3a38 M0 400Q320 370 640 410V480H0z
    ${stand(284, 455, 2.4, person('standing', { shirt: '#2a1824', trousers: '#1a1018', shins: '#1a1018', ...backlit }))}
    ${stand(348, 455, 2.2, person('standing', { shirt: '#4a2028', trousers: '#4a2028', ...backlit }))}
    fill #4a2028 M334 350H362L374 410H322z`,
  runner: () => wide`
    ${lawn(73)}
    ${path}
    ${stand(300, 440, 2.9, person('running', { shirt: '#e0402f', trousers: '#22262e' }))}`,
  cyclist: () => wide`
    ${lawn(75)}
    ${path}
    ${at(320, 440, 1.25, bicycle('#2a6fb8'))}
    ${at(286, 375, 2.3, person('riding', { shirt: '#f0b429', trousers: '#20242c', hair: '#c8342c' }))}`,
  skier: () => wide`
    ${daySky(320, 25, 0.2)}
    ${mountain(21, 300, 240, [0.3, 0.85, 0.45, 1, 0.5])}
    down:snow #fff>#dbe6f4>#c2d3ea M0 290L640 390V480H0z
    ${times(7, (i) => fir(20 + i * 46 - (i % 2) * 14, 322 + i * 8, 60 + (i % 3) * 20, '#284a3a', true))}
    ${at(310, 352, 2.3, downhill, 8)}`,
  'person-with-umbrella': () => tall`
    down ${skies.grey} B0 0 480 420
    ${withEffect('blur5', times(8, rainyBlock))}
    down:plaster #6f7478>#4a4e54>#33363c B0 400 480 240
    fill:blur8 #e8c878/.4 B60 420 30 160B380 420 30 150
    ${stand(240, 590, 3.2, person('holding', { shirt: '#2f4a6d', trousers: '#23262e', shins: '#23262e' }))}
    ${at(266, 270, 1, umbrella('#c8262c'))}
    line #e8f0f6/.45 1.5 ${rain()}`,
  dog: () => wide`${lawn(79)} ${at(310, 420, 1.75, dog)}`,
  cat: () => tall`
    ${room}
    ${at(240, 560, 2, cat)}`,
  horse: () => wide`${lawn(83)} ${at(320, 430, 1.85, horse)}`,
  cow: () => wide`${lawn(87)} ${at(320, 430, 1.8, cow)}`,
  'three-sheep': () => wide`
    ${lawn(91)}
    ${at(140, 350, 1, sheep)}
    ${mirrored(480, at(480, 370, 1.2, sheep))}
    ${at(280, 440, 1.5, sheep)}`,
  'bird-on-branch': () => wide`
    ${foliage()}
    line #4a3626 20 M-10 380Q200 340 360 362T660 330
    line #7d6248 6 M-10 376Q200 335 360 357T660 325
    ${at(320, 356, 1.7, robin)}
    ${times(9, twig)}`,
  duck: () => wide`
    down #7d9a5c>#4d6b3c B0 0 640 140
    ${treeline(8, 106, 90, '#4c7038>#3a5a2e>#62824a')}
    ${water(130, '#6f8f7a>#4f7f8c>#2f5a6a')}
    ${at(320, 330, 1.9, duck)}`,
  goldfish: () => wide`
    ${underwater(3)}
    ${at(320, 250, 1.7, fish('#f08a1d>#f08a1d>#ffd27a', '#e8641a'))}`,
  'school-of-fish': () => wide`${underwater(8)} ${school()}`,
  butterfly: () => square`
    ${foliage()}
    ${at(256, 350, 1.1, coneflower)}
    ${at(256, 240, 1.7, butterfly)}`,
  gull: () => wide`
    ${daySky(370, 95, 0.4)}
    ${water(360, waters.sea)}
    ${at(320, 190, 2.2, bird(), -12)}`,
  'three-birds': () => wide`
    ${daySky(480, 97, 0.4)}
    ${at(170, 190, 1.25, bird(), -18)}
    ${at(450, 130, 1.1, bird(), 4)}
    ${at(400, 330, 1.5, bird(), -8)}`,
  'five-birds': () => wide`
    ${daySky(480, 99, 0.55)}
    ${times(5, (i) => at(200 + Math.abs(i - 1) * 118, 100 + i * 76, 0.95, bird('#6d6459>#2f2a25', '#1d1916'), -6))}`,
}

const backlit = { skin: '#2b1820', hair: '#120a10' }
const path = sketch`down:plaster #c9b48c>#a88f66 M0 410Q320 380 640 404V462Q320 440 0 480z`
const stand = (x: number, y: number, scale: number, somebody: string) =>
  at(x, y, scale, sketch`fill shadow/.8 O6 0 31 5` + somebody)

const downhill = sketch`
  line #c22f2f 4 M-46 -14L52 22q8 3 10 -2
  line #333 2 M36 -62L8 -20M30 -52L-6 -22
  ${person('skiing', { shirt: '#e8701f', trousers: '#1f3f7a', shins: '#1f3f7a', hair: '#d8342c' })}`

const panel = (i: number) => {
  const edge = (turn: number) =>
    `${90 * Math.cos(turn * 1.047)} ${90 * Math.sin(turn * 1.047) - 42}`
  const colour = ['#e23b32', '#fff', '#2f6fc0', '#fff', '#f2c230', '#fff'][i]!
  return sketch`fill ${colour} M0 -42L${edge(i)}L${edge(i + 1)}z`
}
const beachBall = sketch`
  fill shadow/.8 O10 0 57 12
  ${inside('O0 -42 42', times(6, panel))}
  fill ball O0 -42 42`

const rainyBlock = (i: number) => sketch`
  fill ${['#5a6068', '#6d7176', '#4f555e'][i % 3]!} B${i * 64 - 10} ${100 + ((i * 73) % 150)} 60 320
  fill #e8c878/.6 ${times(6, (j) => `B${i * 64 + 4} ${270 + j * 22} 10 12`)}`
function rain(): string {
  const next = random(8)
  return times(150, () => `M${next() * 500} ${next() * 640}l-6 26`)
}

const room = sketch`
  down:plaster #c9b8a0>#d8cab2 B0 0 480 450
  down #cfe4f4>#e9f3e4>#9dbb7a B60 60 230 300
  line #f7f3ea 12 M60 60h230v300h-230zM175 60v300M60 200h230
  down:wood #8f6238>#5f3d20 B0 440 480 200
  fill:fur #8c3a34 O240 570 220 52
  fill:fur #c9a05a O240 570 180 38
  fill:fur #7a2f2c O240 570 165 33`

const twig = (i: number) => {
  const leaf = sketch`ball #5f9a40 M0 0C14 -22 40 -24 56 -8C38 8 16 12 0 0z`
  return at(20 + i * 74, 362 + (i % 3) * 6, 0.8, leaf, (i % 2 ? -50 : 40) + i * 4)
}

const petal = (i: number) =>
  at(0, 0, 1, sketch`fill #c85a9c M-13 0C-20 60 -12 110 0 116C12 110 20 60 13 0z`, i * 15 - 82)
const coneflower = sketch`
  line #4f7d35 9 M0 0C10 60 -6 100 4 160
  ${withEffect('rounded', times(12, petal))}
  ball #a8561f O0 -2 44 30`
