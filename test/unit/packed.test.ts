import { expect, test } from 'vitest'
import { pack, unpack } from '../../src/queues/packed.ts'

test('orders are the same after they were JSON, bytes and vectors included', () => {
  const order = {
    idea: { mix: [{ picture: new Uint8Array([0, 255, 7]), weight: -1 }, { text: 'a “dog” 🐶' }] },
    start: { mask: new Uint8Array(0), vector: new Float32Array([0.1, -3e-8, 1]) },
    size: null,
    seed: 0,
    keep: false,
  }
  const text = JSON.stringify(pack(order))
  expect(unpack(JSON.parse(text))).toEqual(order)
})

test('bytes that lie inside larger ones are packed alone', () => {
  const large = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])
  expect(unpack(pack(large.subarray(3, 5)))).toEqual(new Uint8Array([4, 5]))
  const numbers = new Float32Array([1, 2, 3]).subarray(1)
  expect(unpack(pack(numbers))).toEqual(new Float32Array([2, 3]))
})

test('what is undefined is left out', () => {
  expect(pack({ a: undefined, b: 1 })).toEqual({ b: 1 })
})
