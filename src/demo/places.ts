// The drawn pictures of places: shore, mountains, open land, night and town.
import {
  clouds,
  clump,
  daySky,
  fir,
  hills,
  moon,
  mountain,
  nightSky,
  ridge,
  skies,
  skyline,
  sun,
  tree,
  treeline,
  water,
} from './backdrops.ts'
import { at, inside, random, reflected, sketch, times } from './brush.ts'
import { wide } from './canvas.ts'
import { house, sailingBoat } from './figures.ts'
import { firGroup, freighter, lightTower, palm, rowingBoat } from './landmarks.ts'
import { firs, lawn, shore, snowField, sunsetSea, waters } from './settings.ts'

/** Pictures by name, each drawn when asked for. */
export const places: Record<string, () => string> = {
  beach: () => wide`
    ${shore(11)}
    ${sun(540, 60, 22)}
    ${at(120, 440, 1.1, palm)}`,
  lighthouse: () => wide`
    ${daySky(300, 31, 0.6)}
    ${water(290, waters.sea)}
    down:rock #7d8273>#4e4a42 M320 480L350 420L372 404L400 362L430 350L560 344L584 362L606 370L640 400V480z
    ${at(480, 356, 1, lightTower)}`,
  'sailing-boat': () => wide`
    ${daySky(264, 13)}
    ${hills(8, 262, 30, '#8fa9b5')}
    ${water(260, waters.sea)}
    ${reflected(372, at(320, 360, 1.25, sailingBoat()))}
    ${at(320, 360, 1.25, sailingBoat())}`,
  'rowing-boat': () => wide`
    ${daySky(210, 17)}
    ${hills(5, 200, 60, '#86a4a0>#5f8a58')}
    ${treeline(4, 206, 46, '#3c6a36>#2f5830>#4f7d40')}
    ${water(206, waters.lake)}
    ${reflected(376, at(320, 350, 1.2, rowingBoat))}
    fill shadow/.8 O320 384 247 15
    ${at(320, 350, 1.2, rowingBoat)}`,
  ship: () => wide`
    ${daySky(284, 23, 0.7)}
    ${water(280, waters.sea)}
    ${at(320, 350, 1, freighter)}`,
  'sunset-over-sea': () => wide`${sunsetSea()}`,
  'sunset-sailing-boat': () => wide`
    ${sunsetSea()}
    ${at(450, 330, 0.9, sailingBoat('#3a2433>#241726', '#1c1220>#2a1620', '#40202c'))}`,
  'snowy-mountain': () => wide`
    ${daySky(400, 5, 0.3)}
    ${mountain(7, 420, 350, [0.45, 0.62, 1, 0.5, 0.72])}
    ${firs(3, 436, 110, '#24402f>#1c3527>#2d4a38')}
    ${snowField(440)}`,
  'mountain-lake': () => {
    const bank =
      mountain(12, 262, 215, [0.35, 0.9, 0.4, 1, 0.25]) +
      firs(9, 270, 64, '#23452f>#1b3827>#2f553a')
    return wide`
      ${daySky(300, 8, 0.2)}
      ${bank}
      down #5d8aa8>#2f5f80>#1f4662 B0 268 640 212
      ${inside('B0 268 640 212', reflected(266, bank))}
      down:water #7fa5bd>#24506e/.45 B0 268 640 212`
  },
  'snowy-forest': () => wide`
    down ${skies.pale} B0 0 640 330
    ${firs(5, 310, 190, '#9fb1b8>#a9b9c0', true)}
    fill #dfe6ea/.55 B0 0 640 400
    ${firs(6, 350, 200, '#5d7a74>#55706c', true)}
    down #dfe6ea>#dfe6ea/.3 B0 200 640 200
    ${snowField(350)}
    ${at(90, 470, 1, firGroup)} ${at(520, 440, 0.85, firGroup)}
    ${snowField(450)}`,
  'snowy-cabin': () => wide`
    ${daySky(300, 41, 0.6)}
    ${hills(3, 280, 50, '#c9d6e4>#dbe5ef')}
    ${firs(2, 330, 170, '#2c4a40>#264238', true)}
    ${snowField(330)}
    ${at(330, 420, 1, house('#7b4d2e', '#5a4035', true))}
    ${snowField(440)}`,
  forest: () => wide`
    down #dfe8b8>#9fb96a>#4a6a30 B0 0 640 480
    ${treeline(3, 180, 150, '#a9c26a>#93b058>#bccf80')}
    down:grass #7c8a3c>#4c5c26>#2f3c1a B0 330 640 160
    ${times(13, trunk)}
    ${treeline(9, 30, 130, '#3c6a28>#58862f>#2c5220')}
    fill:blur14 #fff7c0/.2 M140 -20L60 480h60L180 -20zM320 -20L220 480h80L380 -20zM520 -20L430 480h60L560 -20z`,
  'autumn-tree': () => wide`
    ${daySky(330, 51, 0.4)}
    ${treeline(7, 320, 50, '#a8742c>#8c5a26>#b98a3a')}
    down:meadow #b59a4a>#8c7a35>#6e5d2a B0 320 640 170
    fill shadow/.8 O330 422 220 22
    ${tree(31, 320, 424, 400, '#8a3413>#b9501a>#d9741f>#eda233')}`,
  desert: () => wide`
    down ${skies.dusty} B0 0 640 340
    ${sun(500, 80, 24)}
    down:sand #e8b878>#c98a4c M0 300Q120 230 260 290T520 260T640 280V480H0z
    down:sand #f2cd8e>#d99f58>#b87a3c M0 380C120 380 220 250 340 300C430 340 520 400 640 350V480H0z
    fill #7d4a24/.35 M0 380C120 380 220 250 340 300C300 330 300 400 240 480H0z
    down:sand #e9bd7a>#c48a48 M0 450Q200 390 400 440T640 420V480H0z`,
  'green-field': () => wide`
    ${daySky(290, 9, 0.55)}
    ${hills(3, 276, 50, '#8fb0a8>#7aa05a')}
    down:meadow #9cc450>#6da538>#4d842a B0 292 640 190
    ${tree(3, 510, 300, 90, '#2f5a28>#44762f>#5c9040')}`,
  'poppy-field': () => wide`
    ${daySky(250, 61)}
    ${hills(6, 240, 40, '#93aeb0>#6d9058')}
    down:meadow #7d9c44>#56802f>#3f6a26 B0 262 640 230
    ${poppies()}`,
  'country-road': () => wide`
    ${lawn(71)}
    down:plaster #8a8c8e>#5b5d60>#3f4144 M300 298H322L560 480H60z
    line #e9e6d8 3 M299 298L66 480M323 298L554 480
    fill #f2efe2 ${times(7, laneMark)}
    fill:leaves #3f6f2f ${times(5, (i) => clump(i, 96 - i * 26, 284 - i * 14, 22 + i * 9))}`,
  rainbow: () => wide`
    down ${skies.storm} B0 0 640 350
    ${clouds(77, 300, 0.8, '#d5dade')}
    ${times(7, rainbowArc)}
    ${hills(9, 330, 50, '#6f9068>#5f9440')}
    down:meadow #76a83e>#4a7c29 B0 370 640 120`,
  'moon-over-hills': () => wide`
    ${nightSky(5, 160)}
    ${moon(440, 120, 44)}
    ${clouds(14, 300, 0.2, '#5f78a8')}
    ${hills(3, 360, 80, '#24385a>#16243c>#0c1524')}`,
  'starry-sky': () => wide`
    ${nightSky(9, 700)}
    fill:blur28 #8f9fd8/.45 M80 460C220 300 380 180 560 -20L640 40C480 200 320 330 190 470z
    fill:blur20 #f2dfe8/.35 M130 460C260 320 420 190 590 10C440 210 300 330 170 470z
    fill #05070d ${ridge(4, 440, 70)}
    ${times(9, (i) => fir(20 + i * 34 + (i % 3) * 9, 478, 90 + (i % 4) * 34, '#04060a'))}`,
  'city-skyline': () => wide`
    ${daySky(390, 81, 0.45)}
    ${skyline(360, 170, ['#b9c6d2>#93a3b3', '#a9b3c0>#8291a3'], { colour: '#7f95ab', share: 0.9 })}
    ${skyline(372, 300, dayWalls, { colour: '#33485c', share: 0.92 })}
    fill #3c5f36 B0 368 640 16
    ${treeline(3, 374, 24, '#4a7040>#3c5f36')}
    ${water(380, waters.lake)}`,
  'city-at-night': () => wide`
    ${nightSky(19, 90)}
    ${moon(120, 80, 26)}
    ${skyline(370, 190, ['#1b2740>#131c30'], { colour: '#d9a85a', share: 0.35 })}
    ${skyline(384, 310, nightWalls, { colour: '#ffd887', share: 0.5 })}
    ${water(384, waters.night)}
    ${times(26, (i) => sketch`line ${i % 4 ? '#ffca70' : '#ff8a6a'}/.35 4 M${12 + i * 25} ${392 + (i % 3) * 6}v${40 + ((i * 37) % 40)}`)}`,
}

const dayWalls = ['#d8d2c6>#8f8a82', '#8fb0c8>#3d627f', '#b88f78>#74503f', '#9aa6b0>#4c5966']
const nightWalls = ['#131a2b>#0a0f1b', '#1c2436>#0e1422', '#20202c>#101018']

const trunk = (i: number) => {
  const [x, far] = [((i * 211) % 660) - 10, i < 7]
  const half = far ? 5 + (i % 3) * 2 : 15 + (i % 3) * 6
  const foot = far ? 350 + i * 4 : 420 + (i % 4) * 22
  return sketch`
    fill shadow O${x} ${foot} ${half * 4} ${half}
    across:bark ${far ? '#8f8c66>#666848' : '#7d684c>#4a3b28>#2a2014'} M${x - half} -10H${x + half}
      Q${x + half} ${foot - 40} ${x + half * 1.7} ${foot}H${x - half * 1.7}Q${x - half} ${foot - 40} ${x - half} -10z`
}

function poppies(): string {
  const next = random(5)
  return times(420, (i) => {
    const near = (i / 420) ** 1.6
    const [x, y, r] = [next() * 640, 266 + near * 214, 1.2 + near * 11]
    return sketch`
      fill ${['#d3261c', '#b81a16', '#e8432c'][i % 3]!} O${x} ${y} ${r} ${r * 0.75}
      fill #2a1210 O${x} ${y} ${r * 0.22}`
  })
}

const laneMark = (i: number) => {
  const [far, near] = [(i / 7) ** 2, ((i + 0.5) / 7) ** 2]
  return `M${310.5 - far * 6} ${300 + far * 180}h${1 + far * 12}L${311 + near * 6} ${300 + near * 180}h${-1 - near * 12}z`
}

const rainbowArc = (i: number) => {
  const colours = ['#d8342c', '#e8842a', '#f2d838', '#5fb548', '#3f8fd0', '#4858b8', '#8a4aa8']
  return sketch`line ${colours[i]!}/.5 9 O320 400 ${300 - i * 8}`
}
