// The objects of the drawn pictures. Fruit, balls and the like stand on their origin;
// a clock, a flower or a balloon has it in the middle.
import { at, inside, random, rounded, sketch, times } from './brush.ts'

/** An apple, 180 wide, with a `cheek` of another colour. */
export function apple(colour: string, cheek: string): string {
  const next = random(6)
  const skin =
    'M0 -142C24 -166 94 -160 90 -92C86 -34 48 6 16 -2Q0 -8 -16 -2C-48 6 -86 -34 -90 -92C-94 -160 -24 -166 0 -142z'
  const spots = times(60, () => `O${next() * 180 - 90} ${next() * -150} 1.4`)
  const flesh = sketch`
    fill ${colour} ${skin}
    fill:blur14 ${cheek}/.7 O30 -80 34 62
    fill #fff3c0/.4 ${spots}`
  return sketch`
    fill shadow O10 0 117 18
    ${inside(skin, flesh)}
    fill ball ${skin}
    fill #000/.3 O0 -138 22 7
    line #5a3c22 7 M0 -138Q4 -160 16 -174
    ball #5f9a3a M10 -158C30 -186 62 -184 78 -166C54 -150 30 -146 10 -158z`
}

/** An orange, 124 wide. */
export const orange = sketch`
  fill shadow/.9 O8 0 80 13
  ball:plaster #f08c1e O0 -60 62 60
  fill #5a7a2a O4 -112 5 3`

/** A cup of coffee on its saucer, steaming. */
export const cup = sketch`
  fill shadow O6 8 220 28
  above #f4f1ea O0 0 150 26
  fill #000/.25 O0 -4 96 14
  line #ece8df 16 M88 -112C150 -120 150 -40 70 -40
  column #f6f3ec M-96 -140C-92 -60 -70 -10 -44 -2H44C70 -10 92 -60 96 -140z
  fill #fdfcf8 O0 -140 96 22
  down #3a2010>#6d4222 O0 -138 86 17
  line:blur7 #fff/.6 11 M-24 -160C-50 -200 6 -210 -20 -262M26 -160C0 -206 56 -216 30 -256`

const minute = (i: number) =>
  at(0, 0, 1, sketch`fill #222 ${i % 5 ? 'B-1 -160 2 9' : 'B-4 -160 8 26'}`, i * 6)
/** A wall clock at five past eleven. */
export const clock = sketch`
  fill shadow/.7 O14 14 260
  down #6d4527>#3a2212 O0 0 190
  ball #f8f4e8 O0 0 174
  fill #fbf8ee O0 0 168
  ${times(60, minute)}
  line #1a1a1a 11 M0 14L-46 -86
  line #1a1a1a 7 M0 20L88 -104
  line #c3242a 3 M0 30L-20 -130
  fill #1a1a1a O0 0 10`

const corpus =
  'M0 -90C60 -96 92 -60 84 -14C78 14 66 26 84 56C122 100 112 170 0 172C-112 170 -122 100 -84 56C-66 26 -78 14 -84 -14C-92 -60 -60 -96 0 -90z'
/** A guitar, 580 tall. */
export const guitar = sketch`
  fill shadow/.6 O30 150 170 40
  ${at(8, 6, 1, sketch`fill #4a2410 ${corpus}`)}
  down #dd9a52>#c8833c>#a8662a ${corpus}
  fill ball/.6 ${corpus}
  line #3a1c0c 5 ${corpus}
  fill #1a0e08 O0 14 38
  line #e8d8b8 3 O0 14 42
  fill #2a160c B-46 104 92 15 4
  across #4a2c18>#2a170c B-17 -330 34 310
  line #c9c4b8 2 ${times(14, (i) => `M-17 ${i * 20 - 316}h34`)}
  fill #3a2010 M-24 -330L-28 -404H28L24 -330z
  fill #d8d2c4 O-36 -392 9 6O-36 -368 9 6O-36 -344 9 6O36 -392 9 6O36 -368 9 6O36 -344 9 6
  line #efeadc 1.4 ${times(6, (i) => `M${i * 5 - 12.5} -330V110`)}`

const ray = (i: number) => {
  const petal = 'M-22 -70C-34 -130 -14 -170 0 -184C14 -170 34 -130 22 -70z'
  return at(0, 0, 1, sketch`fill ${i % 2 ? '#f2b81a' : '#e8a010'} ${petal}`, i * 18)
}
/** Seeds lie on Fermat's spiral, a golden angle apart. */
const seed = (i: number) => {
  const [r, turn] = [6.8 * Math.sqrt(i), i * 2.39996]
  return sketch`fill ${i > 80 ? '#8a5a1e' : '#3a2410'} O${r * Math.cos(turn)} ${r * Math.sin(turn)} 2.6`
}
/** A sunflower on a stem that leaves the picture below. */
export const sunflower = sketch`
  line #4f7d2f 16 M0 20C10 160 -14 280 0 420
  ${rounded`
    fill #5a8f34 M0 230C50 160 130 160 170 200C130 250 50 260 0 240z
      M-4 300C-50 230 -130 240 -166 280C-120 326 -50 330 -2 312z`}
  ${rounded`${times(20, ray)}`}
  ball:leaves #5a3414 O0 0 92
  ${times(170, seed)}`

const envelope =
  'M0 -190C110 -190 160 -110 150 -40C140 30 60 90 34 140H-34C-60 90 -140 30 -150 -40C-160 -110 -110 -190 0 -190z'
const gore = (i: number) => {
  const half = 150 - i * 40
  const colour = ['#f2c230', '#d8342a', '#2f6fb8', '#f6efe0'][i]!
  return sketch`fill ${colour} M0 -192C${half * 1.4} -150 ${half} 20 ${half * 0.2} 142H${half * -0.2}
    C${-half} 20 ${half * -1.4} -150 0 -192z`
}
/** A hot-air balloon with its basket. */
export const airBalloon = sketch`
  line #4a3a2a 2.5 M-30 140L-24 196M30 140L24 196M-10 140V196M10 140V196
  down:wood #a8763f>#6d4722 B-30 194 60 42 6
  fill #d8342a ${envelope}
  ${inside(envelope, times(4, gore))}
  fill ball ${envelope}`

/** A party balloon on a string. */
export function balloon(colour: string): string {
  return sketch`
    line #5a5a5a 1.5 M0 84Q-14 190 10 320
    fill ${colour} M-8 92L0 78L8 92z
    ball ${colour} M0 -90C60 -90 78 -40 70 0C60 46 24 82 0 82C-24 82 -60 46 -70 0C-78 -40 -60 -90 0 -90z
    ${at(-28, -46, 1, sketch`fill #fff/.5 O0 0 10 22`, 25)}`
}

/** A ball of radius 100 on the ground. */
export function ball(colour: string): string {
  return sketch`
    fill shadow/.9 O20 0 130 26
    ball ${colour} O0 -100 100
    ${at(-40, -142, 1, sketch`fill #fff/.55 O0 0 24 13`, -35)}`
}

/** A snowman with hat and scarf, 450 tall. */
export const snowman = sketch`
  fill shadow/.7 O0 0 170 24
  ball #fbfcff O0 -80 112 92
  ball #fbfcff O0 -216 82 74
  ball #fdfdff O0 -326 60 56
  line #5a3f28 7 M-72 -230L-150 -290M-128 -274l-22 4M-128 -274v-24
    M72 -230L150 -280M130 -268l22 4M130 -268l2 -24
  line #c3242c 22 M-52 -284Q0 -258 52 -284
  fill #b01e26 M20 -276L44 -200L70 -208L46 -282z
  across #34343a>#15151a B-42 -450 84 76B-66 -378 132 12 5
  fill #b01e26 B-42 -394 84 14
  fill #17171a O-20 -340 7O20 -340 7O4 -240 7O4 -206 7O4 -172 7
    O-22 -304 3.5O-11 -300 3.5O0 -297 3.5O11 -300 3.5O22 -304 3.5
  fill #ef7f1a M0 -326L56 -314L0 -310z`
