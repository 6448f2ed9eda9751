// The animals of the drawn pictures. Each has its origin on the ground below its middle
// (flying and swimming ones: in their middle) and faces right.
import { clump } from './backdrops.ts'
import { at, inside, mirrored, random, rounded, sketch, times, withEffect } from './brush.ts'

const furry = (...coat: Parameters<typeof sketch>) => rounded`${withEffect('fur', sketch(...coat))}`

/** A dog with a red collar. */
export const dog = sketch`
  fill shadow O0 0 140 14
  ${furry`
    line #b8813f 11 M-80 -98C-104 -108 -116 -126 -118 -146
    line #94652c 14 M-58 -70L-50 -40L-58 -5h7M50 -70L52 -5h8
    fill #c8924a M-84 -102C-54 -114 10 -108 52 -118C82 -112 86 -82 74 -60
      C56 -44 30 -48 10 -54C-20 -64 -40 -60 -58 -58C-86 -62 -96 -92 -84 -102z
    fill #c08840 M-88 -96C-62 -104 -44 -76 -56 -54L-66 -36L-60 -8Q-50 0 -60 0
      H-78L-84 -38C-94 -58 -96 -84 -88 -96z
    line #c28a44 16 M64 -80L66 -5h8
    fill #d19c54 M40 -112C48 -138 60 -156 82 -160C100 -164 112 -152 116 -140L140 -134
      C148 -128 146 -114 136 -112L110 -108C102 -92 84 -80 64 -82z
    fill #96642c M80 -156C62 -156 56 -130 62 -108C78 -110 88 -134 90 -152z`}
  fill #1c1412 O140 -130 7 6O108 -142 4
  line #3a2416 2 M138 -117q-12 6 -22 2
  line #b8242c 7 M50 -104Q62 -88 84 -86`

/** A chestnut horse. */
export const horse = sketch`
  fill shadow O0 0 140 13
  ${rounded`
    line #2b1a12 13 M-92 -118C-116 -104 -112 -70 -120 -42
    line #5a3018 11 M-58 -86L-66 -50L-58 -6M44 -82L42 -42L44 -5
    fill #8a4f26 M-92 -112C-90 -136 -56 -132 -30 -126C10 -120 34 -130 50 -142L80 -176L104 -158
      C98 -130 84 -96 62 -80C20 -62 -30 -64 -56 -70C-84 -70 -96 -90 -92 -112z
    line #7d4520 13 M-76 -92L-84 -52L-78 -5M58 -86L62 -44L60 -4
    line #84491f 22 M-82 -90L-78 -70M56 -90L60 -66
    fill #8f5429 M76 -178C90 -190 102 -182 112 -168L132 -140C134 -130 124 -126 116 -130L92 -146z
    fill #6d3a1a M84 -182L86 -200L96 -182z`}
  line #2b1a12 10 M86 -182C70 -172 56 -150 40 -134
  fill #140c08 O106 -166 3.5O126 -136 2.5
  fill #221610 M-86 -6h14l3 8h-19zM50 -6h18l4 8h-24zM-66 -8h12l3 9h-17zM36 -8h14l3 9h-19z`

const hide =
  'M-104 -122C-80 -136 50 -132 78 -130C96 -116 96 -72 80 -58C40 -46 -60 -46 -92 -56C-112 -70 -114 -108 -104 -122z'
/** A black and white cow. */
export const cow = sketch`
  fill shadow O0 0 150 14
  ${rounded`
    line #e8e4dc 6 M-104 -116C-122 -100 -116 -70 -118 -46
    line #222 10 M-118 -46v8
    line #cfc8bc 14 M-70 -60L-72 -8M54 -62L52 -8
    fill #e8b0a8 O-52 -50 18 12
    fill #f6f3ec ${hide}
    ${inside(
      hide,
      sketch`fill #1f1b1a M-110 -140H-60C-50 -110 -70 -80 -110 -90z
        M-30 -140H20C40 -110 10 -84 -14 -88C-40 -96 -40 -120 -30 -140z
        M40 -90C60 -96 90 -90 100 -60L60 -40C40 -50 30 -76 40 -90z
        M-60 -66C-40 -76 -10 -70 -10 -40H-70z`,
    )}
    line #f2eee6 16 M-86 -62L-90 -7M72 -64L74 -7
    fill #211d1c M70 -128C80 -142 104 -150 120 -142C134 -132 142 -104 140 -92
      C134 -82 116 -82 110 -90L92 -104z
    fill #e2b4a8 M112 -104C124 -112 140 -104 141 -94C136 -80 114 -80 110 -90z
    fill #332b28 M94 -138C78 -152 64 -146 60 -138C70 -126 82 -124 94 -130z`}
  line #e8dfc8 5 M98 -146Q96 -160 106 -164M116 -146Q122 -156 130 -156
  fill #fff O114 -124 4
  fill #000 O115 -124 2.6
  fill #2b2522 M-98 -8h16v9h-18zM66 -8h16l2 9h-18zM-80 -9h14v9h-16zM44 -9h14v9h-16z`

const tuft = (i: number) => {
  const [x, y] = [(i % 7) * 14 - 42, Math.floor(i / 7) * 17 - 76]
  return sketch`fill ${i % 3 ? '#f7f2e6' : '#ebe4d4'} ${clump(i, x, y, 17)}`
}
/** A sheep with a dark face. */
export const sheep = sketch`
  fill shadow O0 0 98 11
  line #2a2522 8 M-36 -30V-4M-20 -30V-4M24 -30V-4M40 -30V-4
  ${rounded`${withEffect('leaves', times(21, tuft))}`}
  ball #3a3330 M48 -88C60 -98 76 -92 82 -74C84 -62 78 -54 70 -56C58 -60 46 -70 48 -88z
  fill #2f2926 M52 -86L38 -78L52 -76z
  fill #fff O66 -80 2.5`

const halfHead = sketch`
  fill #b58e5e M0 -106C26 -106 46 -116 46 -150L44 -204L12 -180H0z
  fill #d89a8a M38 -176V-192L24 -182z
  line #6b4c2c 4 M12 -182L8 -168
  fill #f4ecdc O8 -122 13 10
  fill #a8c24a O19 -148 10 8
  fill #111 O19 -148 3.5 7.5
  fill #fff O21 -151 2
  line #5a3a2a 1.6 M0 -126v5q6 6 11 2
  line #fff 1.2 M14 -122L52 -130M14 -118L52 -114`
const halfBody = sketch`
  fill #b08a5c M0 -128H26C48 -100 62 -40 44 -4H-1z
  fill #f0e6d4 M0 -122H18C24 -80 18 -40 -1 -30z
  line #6b4c2c 5 M46 -40q-12 4 -18 12M44 -60q-12 4 -18 12M42 -80q-12 4 -18 12M38 -100q-12 4 -18 12
  line #c29b6a 18 M14 -50V-6
  fill #f4ecdc O14 -5 13 8`
/** It sits and looks at us. */
export const cat = sketch`
  fill shadow O0 0 104 13
  ${furry`
    line #8a6a48 13 M50 -16C90 -10 104 -40 86 -62
    ${mirrored(0, halfBody) + halfBody}`}
  ${furry`${mirrored(0, halfHead) + halfHead}`}
  line #6b4c2c 4 M0 -184V-166
  fill #c0685c M-6 -133H6L0 -126z`

/** A robin; its feet are on the branch it sits on. */
export const robin = sketch`
  line #6b4a32 4 M-8 -14L-10 4M12 -14L12 4
  ${furry`
    fill #5d4a38 M-66 -40L-128 -14L-120 0L-50 -14z
    fill #7d6650 M-74 -50C-60 -96 -10 -128 34 -122C72 -116 74 -70 56 -40
      C40 -12 -20 -4 -46 -18C-64 -26 -78 -34 -74 -50z
    fill #d8602a M62 -104C74 -70 62 -34 36 -20C10 -26 4 -60 20 -92C30 -108 50 -114 62 -104z
    fill #efe8dc M36 -20C10 -10 -20 -6 -30 -14C-10 -30 10 -34 20 -40z
    fill #5f4c3a M-60 -56C-40 -84 0 -90 14 -70C4 -44 -40 -28 -70 -34z`}
  fill #120e0c O46 -104 6
  fill #fff O48 -106 2
  fill #3a332c M64 -104L86 -98L64 -92z`

/** A drake afloat. */
export const duck = sketch`
  fill shadow/.8 O0 6 156 15
  ${rounded`
    fill #a89f94 M-110 -38C-80 -30 -60 -50 -20 -54C30 -56 60 -48 84 -26
      C80 4 40 14 -20 12C-70 10 -96 -8 -110 -38z
    fill #6d4330 M30 -40C60 -60 88 -48 88 -20C80 4 56 8 44 6C36 -10 30 -24 30 -40z
    fill #26241f M-110 -38C-90 -36 -76 -40 -70 -24C-76 -6 -98 -14 -110 -38z
    fill #1f6b45 M46 -48C52 -70 40 -84 52 -102C66 -118 96 -112 98 -90
      C98 -74 84 -70 84 -48C72 -42 56 -42 46 -48z`}
  fill #f2f0ea M46 -46Q66 -38 84 -48V-40Q66 -30 45 -39z
  ball #e2b030 M94 -96L132 -88Q134 -80 126 -80H94z
  fill #0c0c0c O78 -94 4.5
  fill #fff O79 -96 1.6
  line #6f665c 3 M-60 -26Q-20 -44 30 -26M-50 -10Q-10 -26 34 -12
  line #dcebe8/.5 3 M-130 14Q0 30 130 12M-160 28Q0 50 170 26`

/** A bird on the wing, 170 across. */
export function bird(wing = '#e4e7ea>#9aa2a8', tip = '#30353b'): string {
  const half = sketch`
    down ${wing} M-14 0C-6 -36 30 -58 86 -50C58 -38 40 -12 16 6z
    fill ${tip} M60 -52Q74 -53 86 -50Q70 -44 58 -36z`
  return sketch`
    ${mirrored(0, half)}
    fill #cfd4d8 M-26 2L-54 4L-44 10L-22 10z
    above #f6f7f7 M-34 6C-20 -8 14 -12 34 -6C30 12 -10 22 -34 6z
    ${half}
    ball #fbfbfb O36 -8 9 8
    fill #e6a13a M43 -11L57 -6L43 -4z
    fill #111 O39 -10 1.7`
}

/** A fish, 230 long; `sides` are its colours from back to belly. */
export function fish(sides: string, fin: string): string {
  const body = 'M-70 0C-40 -52 50 -62 100 -4C60 50 -30 46 -70 0z'
  const scale = (i: number) =>
    `M${(i % 7) * 14 - 50} ${Math.floor(i / 7) * 17 + (i % 2) * 8 - 32}q9 8 0 16`
  const fishy = sketch`
    fill ${fin} M-62 0C-90 -20 -120 -58 -132 -46C-118 -20 -118 20 -134 50C-112 56 -88 22 -62 0z
      M-30 -36C-10 -78 40 -74 52 -44zM0 36C-10 66 24 68 34 36z
    down ${sides} ${body}
    ${inside(body, sketch`line #000/.18 1.5 ${times(28, scale)}`)}`
  return sketch`
    ${rounded`${fishy}`}
    fill ${fin} M14 6C-4 14 -14 30 -8 38C10 32 22 22 14 6z
    fill #fdfdf0 O74 -12 8
    fill #111 O76 -12 5
    line #000/.5 2 M98 2q-8 6 -16 5`
}

/** Eighteen small fish on their way to the right. */
export function school(): string {
  const next = random(12)
  const one = (i: number) => {
    const [x, y] = [90 + (i % 5) * 112 + next() * 60, 70 + Math.floor(i / 5) * 88 + next() * 40]
    return at(
      x,
      y,
      0.36 + next() * 0.16,
      fish('#3f6f9c>#3f6f9c>#e3edf2', '#d8b23a'),
      next() * 16 - 8,
    )
  }
  return times(18, one)
}

const wings = 'M4 -6C20 -70 90 -96 104 -70C110 -40 70 -8 10 2C60 4 80 34 62 54C40 66 14 40 4 10z'
const rightWings = sketch`
  down #f09a2a>#d8601a ${wings}
  line #1c1410 6 ${wings}
  line #1c1410 3 M8 -6L86 -66M8 -4L96 -44M8 6L56 44
  fill #fff O94 -70 2.4O88 -62 2.4O97 -56 2.4O92 -48 2.4O62 48 2.4`
/** Seen from above, its wings spread. */
export const butterfly = sketch`
  ${rounded`${mirrored(0, rightWings) + rightWings}`}
  line #1a1412 9 M0 -22V40
  line #1a1412 2 M-2 -26Q-10 -50 -22 -54M2 -26Q10 -50 22 -54`
