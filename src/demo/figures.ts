// People and the things they make that stand in more than one of the drawn pictures.
// Each has its origin on the ground below its middle and faces right.
import { at, inside, rounded, sketch, times } from './brush.ts'

// --- People ---

/**
 * Joints of a figure 100 units tall with its hips at 0 -50: how far the shoulders lean forward,
 * then x and y of far elbow and hand, near elbow and hand, far knee and foot, near knee and foot.
 */
const poses = {
  standing: '0  -11 -64 -12 -48  11 -64 12 -48  -4 -26 -5 -2  4 -26 5 -2',
  walking: '2  -9 -64 -13 -50  11 -65 17 -52  -5 -26 -15 -3  8 -27 11 -2',
  running: '9  24 -66 31 -78  -10 -66 -8 -51  -10 -32 -32 -22  20 -40 16 -14',
  holding: '0  -10 -64 -10 -48  13 -62 8 -68  -5 -26 -6 -2  5 -26 7 -2',
  kicking: '-3  14 -72 26 -78  -18 -70 -29 -76  -2 -26 -4 -2  14 -32 30 -20',
  skiing: '16  24 -60 36 -62  16 -56 30 -52  14 -30 -2 -4  18 -28 4 -2',
  riding: '20  32 -62 44 -52  30 -60 44 -50  20 -36 6 -12  16 -22 2 2',
}

/** What somebody wears; `shins` of another colour than the trousers make them shorts. */
export interface Clothes {
  readonly shirt: string
  readonly trousers: string
  readonly shins?: string
  readonly skin?: string
  readonly hair?: string
}

/** Somebody in a pose, 100 tall. */
export function person(pose: keyof typeof poses, clothes: Clothes): string {
  const { shirt, trousers, skin = '#d8a078', shins = skin, hair = '#35241a' } = clothes
  const [lean, ...joints] = poses[pose].split(/\s+/).map(Number) as [number, ...number[]]
  const limb = (first: number) => {
    const [x1, y1, x2, y2] = joints.slice(first, first + 4)
    return { joint: `${x1} ${y1}`, end: `${x2} ${y2}` }
  }
  const arm = ({ joint, end } = limb(0)) => sketch`
    line ${skin} 5 M${joint}L${end}
    line ${shirt} 7 M${lean} -78L${joint}`
  const leg = ({ joint, end } = limb(8)) => sketch`
    line ${shins} 6.5 M${joint}L${end}
    line #2b2624 5 M${end}h5
    line ${trousers} 9.5 M0 -50L${joint}`
  const head = sketch`
    fill ${skin} O1 -92 7 8
    fill ${hair} M-7 -89C-9 -104 9 -104 8 -95Q0 -97 -3 -88z`
  return rounded`
    ${arm()}
    ${leg()}
    ${leg(limb(12))}
    line ${shirt} 17 M0 -54L${lean} -76
    line ${skin} 6 M${lean} -80L${lean * 1.2} -88
    ${at(lean * 1.25, 0, 1, head)}
    ${arm(limb(4))}`
}

// --- Vehicles ---

/** A saloon car, 400 wide. */
export function car(colour: string): string {
  const nut = (i: number) => `O${13 * Math.sin(i * 1.257)} ${-13 * Math.cos(i * 1.257)} 4.5`
  const wheel = sketch`
    fill #15161a O0 -2 48
    ball #26272b O0 0 38
    ball #c3c8ce O0 0 23
    fill #3a3c42 ${times(5, nut)}`
  return sketch`
    fill shadow O0 -6 290 26
    above ${colour} M-196 -48C-202 -92 -188 -104 -140 -110L-112 -114C-86 -158 -66 -168 -8 -168
      C50 -168 72 -150 108 -114C160 -108 192 -100 197 -72L199 -46Q198 -32 184 -32H-184Q-195 -32 -196 -48z
    fill #fff/.45 M-190 -92Q0 -112 194 -84L192 -76Q0 -100 -190 -84z
    down #c6dbe8>#46586a>#1d2733 M-92 -116C-76 -150 -62 -155 -16 -155V-116z
      M-4 -155C40 -155 58 -145 86 -116H-4z
    fill #fff/.3 M30 -155L60 -148L36 -116H8z
    line #000/.4 1.5 M-10 -112V-44M-100 -112Q-112 -80 -96 -48M92 -112Q98 -80 86 -48
    line #222 4 M-34 -98h18M62 -98h18
    ${at(-118, -38, 1, wheel)} ${at(122, -38, 1, wheel)}
    ball #fdf6d8 O182 -84 14 9
    fill #b3121c B-198 -96 14 18 4`
}

/** A bicycle, 280 wide. */
export function bicycle(colour: string): string {
  const spoke = (i: number) => `M0 0l${45 * Math.cos(i * 0.5236)} ${45 * Math.sin(i * 0.5236)}`
  const wheel = sketch`
    line #1c1d20 6 O0 0 50
    line #b8bcc2 2 O0 0 45
    line #8d9198 1 ${times(12, spoke)}`
  return sketch`
    fill shadow/.8 O0 0 195 10
    ${at(-90, -52, 1, wheel)} ${at(90, -52, 1, wheel)}
    line ${colour} 7 M-90 -52L-40 -128H62L-8 -52H-90M-40 -128L-8 -52M90 -52L58 -142
    line #222 8 M-44 -128v-20M-66 -150h40
    line #333 6 M58 -142l-4 -16l28 -6q14 0 10 14
    line #44474c 5 O-8 -52 14
    line #333 4 M-8 -52l16 20M2 -32h14`
}

/** A sailing boat with main sail and jib, 230 tall. */
export function sailingBoat(sail = '#fff>#cfd6dc', hull = '#f2efe8>#8d8a86', stripe = '#b2332c') {
  return sketch`
    line #6b5138 5 M-4 -20V-228
    across ${sail} M0 -222C60 -150 84 -90 88 -42L0 -34z
    across ${sail} M-10 -205C-40 -140 -72 -80 -92 -36L-10 -32z
    down ${hull} M-104 -26H112C104 -6 92 8 76 14H-70C-88 6 -98 -8 -104 -26z
    fill ${stripe} M-101 -18H109L107 -10H-98z`
}

// --- Shelter ---

/** A timber house with a tiled roof, 260 wide; it may be deep in snow. */
export function house(wall: string, roof: string, snow = false): string {
  const tiles = 'M-150 -128L-92 -232H92L150 -128z'
  const row = (i: number) => `M-160 ${i * 12 - 226}H160`
  const drift = sketch`fill:snow #f7f9fd M-158 -130L-96 -246Q0 -256 96 -246L158 -130
    Q130 -140 100 -132T40 -134T-30 -130T-90 -134T-158 -130z`
  const window = sketch`
    fill #fbfaf5 B-27 -106 54 58
    down #9fc0d6>#31475a B-22 -101 44 48
    line #fbfaf5 4 M0 -101v48M-22 -77h44`
  return sketch`
    fill shadow/.7 O0 0 220 20
    across #a5573f>#6d3527 B70 -262 34 80
    fill:wood ${wall} B-130 -130 260 130
    fill #000/.22 B-130 -130 260 34
    above ${roof} ${tiles}
    ${inside(tiles, sketch`line #000/.25 2 ${times(9, row)}`)}
    ${snow ? drift : ''}
    ${at(-82, 0, 1, window)} ${at(82, 0, 1, window)}
    down #5b3a24>#3c2415 B-24 -92 48 92
    fill #e0c060 O15 -44 3.5`
}

/** A striped parasol, 150 tall. */
export function parasol(colour: string): string {
  const panel = (i: number) =>
    `M-8 -150Q${i * 60 - 90} -150 ${i * 54 - 88} -92h27Q${i * 60 - 60} -150 -8 -150z`
  return sketch`
    fill shadow/.6 O30 2 90 10
    line #eee3cf 5 M0 0L-8 -120
    fill #f6f0e0 M-88 -92Q-78 -150 -8 -150T74 -92z
    fill ${colour} ${times(3, panel)}`
}

/** An open umbrella, 300 wide; its handle ends below the origin. */
export function umbrella(colour: string): string {
  const canopy =
    'M-150 20C-140 -90 -60 -120 0 -120S140 -90 150 20Q125 -4 100 14Q75 -8 50 12Q25 -10 0 10Q-25 -10 -50 12Q-75 -8 -100 14Q-125 -4 -150 20z'
  const fold = (i: number) =>
    `M0 -124Q${i * 70 - 120} -80 ${i * 100 - 150} 30h50Q${i * 70 - 90} -80 0 -124z`
  return sketch`
    line #5a4030 6 M0 -136V112
    above ${colour} ${canopy}
    ${inside(canopy, sketch`fill #000/.16 ${times(4, fold)}`)}`
}
