// Decoded pixels as an uncompressed TIFF (TIFF 6.0): sharp then treats them like any other picture,
// 16 bits and colour profile included, neither of which its raw input takes.

/** Interleaved samples, row by row; those of 16 bits have their low byte first. */
export interface Pixels {
  readonly widthPx: number
  readonly heightPx: number
  /** Grey; red, green, blue; or these and alpha, not premultiplied. */
  readonly channels: 1 | 3 | 4
  readonly bits: 8 | 16
  readonly data: Uint8Array
  readonly icc?: Uint8Array | undefined
}

const SHORT = 3
const LONG = 4
const UNDEFINED = 7

/** Readers take strips one by one; whole pictures in one strip would need their size twice. */
const ROWS_PER_STRIP = 64

type Entry = readonly [
  tag: number,
  type: typeof SHORT | typeof LONG | typeof UNDEFINED,
  values: ArrayLike<number>,
]

const BYTES = { [SHORT]: 2, [LONG]: 4, [UNDEFINED]: 1 } as const

/** The file; `data` is copied into it once. */
export function pixelsAsTiff(pixels: Pixels): Uint8Array<ArrayBuffer> {
  const { widthPx, heightPx, channels, bits, icc } = pixels
  const rowBytes = widthPx * channels * (bits / 8)
  const strips = Math.ceil(heightPx / ROWS_PER_STRIP)
  const rowsOf = (strip: number) => Math.min(ROWS_PER_STRIP, heightPx - strip * ROWS_PER_STRIP)
  const sizes = Array.from({ length: strips }, (_, strip) => rowsOf(strip) * rowBytes)
  const entries = (dataAt: number): Entry[] => [
    [256, LONG, [widthPx]],
    [257, LONG, [heightPx]],
    [258, SHORT, Array<number>(channels).fill(bits)],
    [259, SHORT, [1]], // no compression
    [262, SHORT, [channels === 1 ? 1 : 2]], // black is zero, or RGB
    [273, LONG, sizes.map((_, strip) => dataAt + strip * ROWS_PER_STRIP * rowBytes)],
    [277, SHORT, [channels]],
    [278, LONG, [ROWS_PER_STRIP]],
    [279, LONG, sizes],
    ...(channels === 4 ? [[338, SHORT, [2]] as const] : []), // alpha, not premultiplied
    ...(icc ? [[34675, UNDEFINED, icc] as const] : []),
  ]
  const headBytes = writeHead(entries(0)).length
  const head = writeHead(entries(headBytes))
  const file = new Uint8Array(headBytes + heightPx * rowBytes)
  file.set(head)
  file.set(pixels.data.subarray(0, heightPx * rowBytes), headBytes)
  return file
}

/** Header, directory, and after it the values that do not fit into their entries. */
function writeHead(entries: readonly Entry[]): Buffer {
  const directory = Buffer.alloc(8 + 2 + entries.length * 12 + 4)
  directory.write('II*\0\x08\0\0\0', 'latin1')
  directory.writeUInt16LE(entries.length, 8)
  const outside: Buffer[] = []
  let end = directory.length
  entries.forEach(([tag, type, values], i) => {
    const at = 10 + i * 12
    directory.writeUInt16LE(tag, at)
    directory.writeUInt16LE(type, at + 2)
    directory.writeUInt32LE(values.length, at + 4)
    // Padded to an even length, since values start at even places.
    const value = Buffer.alloc(Math.max(4, Math.ceil((values.length * BYTES[type]) / 2) * 2))
    for (let n = 0; n < values.length; n++)
      value.writeUIntLE(values[n]!, n * BYTES[type], BYTES[type])
    if (value.length === 4) {
      value.copy(directory, at + 8)
    } else {
      directory.writeUInt32LE(end, at + 8)
      outside.push(value)
      end += value.length
    }
  })
  return Buffer.concat([directory, ...outside])
}
