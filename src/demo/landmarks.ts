// What stands on the shores and slopes of the drawn pictures; the origin is on the ground.
import { fir } from './backdrops.ts'
import { rounded, sketch, times, withEffect } from './brush.ts'

const frond = (i: number) => {
  const [x, y] = [40 + Math.cos(i * 0.38 - 3.05) * 120, Math.sin(i * 0.36 - 2.9) * 80 - 191]
  const leaf = `M40 -232Q${20 + x / 2} ${y - 74} ${x} ${y}Q${20 + x / 2} ${y - 40} 40 -226z`
  return sketch`fill ${i % 2 ? '#3f7d33' : '#2f6529'} ${leaf}`
}
/** A leaning palm, 250 tall. */
export const palm = sketch`
  fill shadow/.7 O30 2 120 14
  line #7a5a3c 16 M0 0C-6 -80 10 -160 40 -230
  line #a58460 5 M-4 0C-10 -80 6 -160 36 -230
  ${rounded`${times(9, frond)}`}`

/** Three snowy firs, the largest in front. */
export const firGroup = withEffect(
  'needles',
  fir(-70, -16, 240, '#2c4f47', true) +
    fir(70, -10, 280, '#29493f', true) +
    fir(0, 0, 350, '#23403a', true),
)

/** A lighthouse with the keeper's cottage. */
export const lightTower = sketch`
  fill #e9e3d6 M-90 0V-40L-60 -66L-30 -40V0z
  fill #a3382c M-98 -38L-60 -72L-22 -38z
  across #fff>#f2efe8>#a9a6a0 M-34 0L-22 -220H22L34 0z
  fill #b8282a/.9 M-31 -50H31L28 -100H-28zM-26 -145H26L24 -190H-24z
  fill #333 B-30 -230 60 10
  across #fff6c8>#8fa3b0 B-16 -262 32 34
  fill #8f2323 M-22 -262Q0 -296 22 -262z`

/** A wooden boat with its oars shipped. */
export const rowingBoat = sketch`
  down #b5793f>#5c371a M-170 -34Q0 -6 170 -38C160 0 120 26 60 28H-70C-120 26 -158 4 -170 -34z
  fill #4d3018 M-170 -34Q0 -6 170 -38Q0 -62 -170 -34z
  fill #c99a62 M-60 -44h24l4 26h-32zM50 -46h24l4 24h-32z
  line #d8b483 6 M-150 -60L40 8M-10 -34L150 -74`

const crate = (i: number) => {
  const paint = ['#b5472f', '#2f6f8f', '#d0a43a', '#4d7f4a', '#8a8f96'][(i * 3) % 5]!
  return sketch`down ${paint}>#3a3a3a B${(i % 7) * 46 - 130} ${-92 - Math.floor(i / 7) * 30} 44 29`
}
const porthole = (i: number) => `B${(i % 4) * 18 - 222} ${Math.floor(i / 4) * 26 - 160} 11 12`
/** A container ship, 520 long. */
export const freighter = sketch`
  down #26364d>#131c2b M-250 -60H270C262 -20 244 10 220 22H-210C-232 0 -244 -30 -250 -60z
  fill #a5322b M-226 4H236L220 22H-210z
  ${times(14, crate)}
  down #fbfbf8>#c4c8cc B-230 -170 80 112
  fill #2c3c4c ${times(12, porthole)}
  fill #c2412f B-208 -204 34 36
  line #fff/.6 6 M-250 26Q0 14 280 26`
