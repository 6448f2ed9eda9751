import { describe, expect, test } from 'vitest'
import type { Feed, LoadedGraph } from '../../src/generate/graphs.ts'
import { networkOf, type NetworkOptions } from '../../src/generate/network.ts'
import { number, vectors } from '../../src/generate/told.ts'

/** A graph that answers every row with its own first two numbers, `factor` times over. */
function fakeGraph(factor: number, onRun: () => void = () => {}) {
  const runs: { feeds: readonly Feed[]; rows: number }[] = []
  const graph: LoadedGraph = {
    async run(feeds, rows) {
      runs.push({ feeds, rows })
      onRun()
      const sample = feeds[0]!
      const size = sample.data.length / rows
      const data = new Float32Array(rows * 2 * factor).map((_, i) => {
        return sample.data[Math.floor(i / (2 * factor)) * size + (i % 2)]!
      })
      return [{ data, dims: [rows, 2 * factor] }]
    },
  }
  return { graph, runs }
}

const OPTIONS: NetworkOptions = {
  inputs: { sample: 'x', time: 't', embedding: 'e', keep: 'k' },
  output: 'y',
  row: [2],
  perPicture: 2,
  told: {
    wanted: { embedding: vectors([Float32Array.of(10), Float32Array.of(20)]), keep: number(1) },
    unwanted: { embedding: vectors([Float32Array.of(-1), Float32Array.of(-2)]), keep: number(0) },
  },
  batch: 3,
  signal: undefined,
}
/** Two samples of each of two pictures. */
const X = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8)

const given = (feeds: readonly Feed[], name: string) => [
  ...feeds.find(({ input }) => input === name)!.data,
]

describe('a network', () => {
  test('is asked about both sides in runs of so many rows, each told what its picture is', async () => {
    const { graph, runs } = fakeGraph(1)
    const answers = await networkOf(graph, OPTIONS)(X, 0.5, ['wanted', 'unwanted'])
    expect(answers.map(({ value }) => [...value])).toEqual([[...X], [...X]])
    expect(answers.every(({ variance }) => variance === undefined)).toBe(true)
    expect(runs.map(({ rows }) => rows)).toEqual([6, 2])
    expect(given(runs[0]!.feeds, 'x')).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6])
    expect(given(runs[0]!.feeds, 't')).toEqual([0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    expect(given(runs[0]!.feeds, 'e')).toEqual([10, 10, 20, -1, -1, -2])
    expect(given(runs[0]!.feeds, 'k')).toEqual([1, 1, 1, 0, 0, 0])
    expect(given(runs[1]!.feeds, 'x')).toEqual([7, 8, 7, 8])
    expect(given(runs[1]!.feeds, 'e')).toEqual([20, -2])
  })

  test('takes what is put behind x as further channels', async () => {
    const { graph, runs } = fakeGraph(1)
    const behind = vectors([Float32Array.of(0.1), Float32Array.of(0.2)])
    await networkOf(graph, { ...OPTIONS, behind })(X, 1, ['wanted'])
    expect(runs[1]!.feeds[0]).toMatchObject({ row: [3] })
    expect(given(runs[1]!.feeds, 'x')[2]).toBeCloseTo(0.2, 6)
  })

  test('says with twice as many channels how far it may be off', async () => {
    const { graph } = fakeGraph(2)
    const [answer] = await networkOf(graph, OPTIONS)(X, 1, ['wanted'])
    expect([...answer!.value]).toEqual([...X])
    expect([...answer!.variance!]).toEqual([...X])
  })

  test('of another shape is model_invalid', async () => {
    const { graph } = fakeGraph(3)
    await expect(networkOf(graph, OPTIONS)(X, 1, ['wanted'])).rejects.toMatchObject({
      code: 'model_invalid',
      message: 'y has the shape [3, 6] where 3 × [2] was expected',
    })
  })

  test('is not run again once the signal is set', async () => {
    const controller = new AbortController()
    const { graph, runs } = fakeGraph(1, () => controller.abort(new Error('enough')))
    const ask = networkOf(graph, { ...OPTIONS, signal: controller.signal })
    await expect(ask(X, 1, ['wanted'])).rejects.toThrow('enough')
    expect(runs).toHaveLength(1)
  })
})
