// Bicubic enlargement of floats, as PyTorch's `interpolate` with `antialias` does it, which is PIL's
// filter without its rounding: what diffusion models that draw larger pictures were trained on.

/** Keys' cubic with a = -0.5. */
function cubic(signed: number): number {
  const x = Math.abs(signed)
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
}

/** [planes, h, w] → [planes, h · factor, w · factor] */
export function enlarge(
  data: Float32Array,
  width: number,
  height: number,
  factor: number,
): Float32Array {
  const planes = data.length / (width * height)
  const wide = stretchRows(data, width, factor)
  const turned = transposed(wide, planes, height, width * factor)
  const large = stretchRows(turned, height, factor)
  return transposed(large, planes, width * factor, height * factor)
}

/** Rows of `length` numbers → rows of `length · factor`. */
function stretchRows(data: Float32Array, length: number, factor: number): Float32Array {
  const out = new Float32Array(data.length * factor)
  for (let i = 0; i < length * factor; i++) {
    const center = (i + 0.5) / factor
    const start = Math.max(0, Math.trunc(center - 1.5))
    const end = Math.min(length, Math.trunc(center + 2.5))
    const weights = Array.from({ length: end - start }, (_, k) => cubic(start + k + 0.5 - center))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    for (let row = 0; row < data.length / length; row++) {
      let sum = 0
      weights.forEach((weight, k) => (sum += weight * data[row * length + start + k]!))
      out[row * length * factor + i] = sum / total
    }
  }
  return out
}

/** [planes, h, w] → [planes, w, h] */
function transposed(
  data: Float32Array,
  planes: number,
  height: number,
  width: number,
): Float32Array {
  const out = new Float32Array(data.length)
  for (let p = 0; p < planes; p++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        out[(p * width + x) * height + y] = data[(p * height + y) * width + x]!
      }
    }
  }
  return out
}
