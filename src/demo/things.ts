// The drawn pictures of things: vehicles, fruit, household objects, balls and balloons.
import { clump, daySky, fir, hills, skies, tower, tree, treeline, water } from './backdrops.ts'
import { at, sketch, times, withEffect } from './brush.ts'
import { square, tall, wide } from './canvas.ts'
import { bicycle, car, house } from './figures.ts'
import {
  airBalloon,
  apple,
  ball,
  balloon,
  clock,
  cup,
  guitar,
  orange,
  snowman,
  sunflower,
} from './objects.ts'
import { asphalt, firs, kitchen, lawn, snowField, waters } from './settings.ts'

/** Pictures by name, each drawn when asked for. */
export const things: Record<string, () => string> = {
  'red-car': () => wide`${lawn(101)} ${asphalt(340)} ${at(320, 410, 1.3, car('#c8181f'))}`,
  'red-car-by-the-sea': () => wide`
    ${daySky(230, 103, 0.3)}
    ${water(220, waters.sea)}
    fill:sand #d9c08c B0 320 640 40
    ${asphalt(350)}
    ${at(300, 410, 1.2, car('#d02418'))}`,
  'red-car-in-snow': () => wide`
    down ${skies.pale} B0 0 640 320
    ${treeline(5, 270, 60, '#7f96a0>#93a8b0')}
    ${firs(4, 320, 170, '#35544c>#2d4a44', true)}
    ${snowField(316)}
    ${at(330, 420, 1.3, car('#b8141c'))}`,
  'blue-car': () => wide`
    ${daySky(300, 105)}
    ${hills(4, 280, 70, '#9db8b4>#86a878>#6f9a50')}
    down:sand #b9a878>#a89468 B0 330 640 20
    ${asphalt(346)}
    ${at(320, 412, 1.3, car('#1f4fa8'))}`,
  'yellow-taxi': () => wide`
    down #8fb4d8>#d8e4ec B0 0 640 360
    ${times(7, streetFront)}
    down:plaster #b5b2ac>#96938d B0 330 640 24
    ${asphalt(350)}
    ${at(320, 420, 1.25, taxi)}`,
  'red-bicycle': () => wide`
    fill #b8a898 B0 0 640 390
    ${withEffect('plaster', times(240, brick))}
    down:plaster #a39c92>#7d776e B0 380 640 110
    ${at(320, 430, 1.9, bicycle('#c8201e'))}`,
  'red-apple': () => wide`${kitchen()} ${at(320, 400, 1.5, apple('#c3161c', '#e8a33a'))}`,
  'three-green-apples': () => wide`
    ${kitchen()}
    ${at(200, 380, 1, apple('#7fae2e', '#c8d860'))}
    ${at(450, 384, 1.05, apple('#86b534', '#d2de6a'))}
    ${at(325, 430, 1.15, apple('#79a82a', '#c4d458'))}`,
  'five-oranges': () => wide`
    ${kitchen()}
    ${at(230, 370, 1, orange)} ${at(400, 366, 1, orange)}
    ${at(150, 430, 1.1, orange)} ${at(490, 430, 1.1, orange)} ${at(320, 440, 1.15, orange)}`,
  'coffee-cup': () => wide`${kitchen()} ${at(310, 410, 1.5, cup)}`,
  clock: () => square`
    down:plaster #8fa6a0>#7d958f B0 0 512 512
    ${at(256, 256, 1, clock)}`,
  guitar: () => tall`
    down:plaster #b9a68c>#cdbda4 B0 0 480 520
    down:wood #7d5230>#54351c B0 510 480 130
    ${at(235, 446, 1.02, guitar, 6)}`,
  house: () => wide`
    ${lawn(107)}
    ${tree(5, 80, 360, 210, '#2f5a28>#44762f>#5c9040')}
    fill #c9bda4 M300 400H350L420 480H250z
    ${at(330, 400, 1.3, house('#e8dcc0', '#a8452f'))}
    fill:leaves #4f8434 ${times(4, (i) => clump(i, 150 + i * 36, 404, 24) + clump(i, 424 + i * 36, 404, 24))}`,
  sunflower: () => tall`
    ${daySky(450, 109, 0.4)}
    ${withEffect('blur6', treeline(9, 440, 60, '#e0b830>#5f8a34>#d0a828'))}
    down:meadow #6d9a3a>#3f6a26 B0 440 480 200
    ${at(240, 240, 1, sunflower)}`,
  'hot-air-balloon': () => tall`
    ${daySky(600, 111, 0.4)}
    ${hills(7, 560, 60, '#93aeb0>#7fa05a>#6a9440')}
    ${at(240, 250, 1.15, airBalloon)}`,
  'three-balloons': () => tall`
    ${daySky(640, 113, 0.45)}
    ${at(140, 220, 1, balloon('#d8242c'), -6)}
    ${at(330, 200, 1, balloon('#2f7ad0'), 6)}
    ${at(236, 330, 1.1, balloon('#f2c21e'))}`,
  'two-balls': () => wide`
    ${lawn(115)}
    ${at(210, 430, 0.9, ball('#d0232a'))}
    ${at(440, 420, 0.8, ball('#1f5fc0'))}`,
  snowman: () => tall`
    ${daySky(410, 117, 0.5)}
    ${withEffect(
      'needles',
      times(6, (i) => fir(20 + i * 92, 420, 190 + (i % 3) * 60, '#2f5248', true)),
    )}
    ${snowField(410)}
    ${at(240, 580, 1.1, snowman)}`,
}

const streetFront = (i: number) => {
  const height = [330, 250, 180, 120, 200, 280, 340][i]!
  const wall = ['#a8796a>#6d4a3f', '#b9b3a8>#7d786f', '#8fa3b5>#5a6d7f'][i % 3]!
  return tower(i * 94 - 16, 340, [90, height], wall, { colour: '#2f3f50', share: 0.95 })
}
const checker = (i: number) => `B${i * 11 - 66} ${-72 + (i % 2) * 8} 11 8`
const taxi = sketch`
  ${car('#f2b90f')}
  down #fff8d8>#d8b860 B-48 -190 56 24 5
  fill #1c1c1c ${times(13, checker)}`

const brick = (i: number) => {
  const [row, column] = [Math.floor(i / 12), i % 12]
  const colour = ['#a8553f', '#9a4a38', '#b5634a', '#8f4634'][(column * 7 + row * 3) % 4]!
  return sketch`fill ${colour} B${column * 58 - (row % 2) * 29} ${row * 20} 55 17`
}
