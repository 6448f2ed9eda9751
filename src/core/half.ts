// 16-bit floats (IEEE 754 binary16) by their bits, since JavaScript has had an array of them only since
// Node 24.

/** Rounds to the nearest, ties to even, as processors do. */
export function toHalf(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  return Uint16Array.from(bits, halfOf)
}

export function fromHalf(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, floatOf)
}

/** Bits of a float32 -> bits of a float16. */
function halfOf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  // Infinity; a NaN stays one.
  if (magnitude >= 0x7f800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00)
  // From halfway between the largest number, 65504, and the next one.
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  // Below 2 ** -14 a float16 counts in steps of 2 ** -24.
  if (magnitude < 0x38800000) return sign | roundEven(Math.abs(floatFrom(bits)) * 2 ** 24)
  // The exponent's bias goes from 127 to 15, and 13 bits of the fraction are rounded off.
  return sign | roundEven((magnitude - 0x38000000) / 2 ** 13)
}

function floatOf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >>> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

const view = new DataView(new ArrayBuffer(4))

function floatFrom(bits: number): number {
  view.setUint32(0, bits)
  return view.getFloat32(0)
}

function roundEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor
}
