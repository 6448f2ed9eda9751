import { expect, test } from 'vitest'
import { Noise } from '../../src/generate/noise.ts'

/** To six places, as they were recorded: torch.randn of PyTorch 2.13.0, on a CPU. */
function expectNumbers(numbers: Float32Array, recorded: readonly number[]): void {
  expect(numbers).toHaveLength(recorded.length)
  recorded.forEach((value, i) => expect(numbers[i]).toBeCloseTo(value, 5))
}

test('the generator is MT19937', () => {
  const noise = new Noise(5489)
  const words = Array.from({ length: 10_000 }, () => noise.bits())
  expect(words.slice(0, 3)).toEqual([3499211612, 581869302, 3890346734])
  // The value that the C++ standard demands of std::mt19937.
  expect(words.at(-1)).toBe(4123659995)
})

test('whole blocks of normals are those of PyTorch', () => {
  const numbers = new Noise(0).normals(32)
  expectNumbers(
    numbers.subarray(0, 8),
    [-1.12584, -1.15236, -0.250579, -0.433879, 0.84871, 0.692009, -0.316013, -2.115219],
  )
  expectNumbers(numbers.subarray(28), [1.389366, 1.586334, 0.946298, -0.843677])
})

test('where the last block is not whole, it is drawn anew', () => {
  expectNumbers(
    new Noise(7).normals(21),
    [
      -0.820135, 0.395631, 0.898908, -1.388404, -0.166996, 0.782073, 1.039108, -0.724511, -0.848909,
      -1.216929, -0.081022, 1.361485, -1.303217, 0.674101, -1.323346, -1.359769, -0.866702,
      -0.564007, -2.056463, -0.356723, 1.09558,
    ],
  )
})

test('few normals come in pairs, and the second of a pair is kept through other draws', () => {
  const noise = new Noise(42)
  expectNumbers(noise.normals(5), [0.33669, 0.128809, 0.234462, 0.230333, -1.122856])
  expectNumbers(noise.normals(2), [-0.186328, 2.208201])
  expectNumbers(noise.normals(16).subarray(0, 3), [1.642317, -0.159597, -0.497398])
  expectNumbers(noise.normals(3), [-0.637997, 1.322135, 0.81719])
})

test('many draws with the largest seed still agree', () => {
  const noise = new Noise(2 ** 32 - 1)
  const numbers = noise.normals(2000)
  expectNumbers(numbers.subarray(0, 4), [-2.664298, -1.091049, 0.451447, 0.228361])
  expect(numbers.reduce((sum, value) => sum + value, 0)).toBeCloseTo(12.0666, 3)
  expect(numbers.reduce((sum, value) => sum + Math.abs(value), 0)).toBeCloseTo(1545.5145, 3)
  expectNumbers(noise.normals(700).subarray(697), [-0.520286, -0.054749, 1.224331])
})
