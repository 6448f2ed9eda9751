// Stands in for the pipeline in tests of what surrounds it: paints noise, or what a test tells it to, in
// as many steps as it is asked for, and can be made to wait.
import { vi } from 'vitest'
import type { DrawEvent, Drawing, DrawOrder, Painter } from '../../src/generate/types.ts'
import type { Raster } from '../../src/pictures/raster.ts'
import { type Gate, newGate } from './gate.ts'
import { noisePicture } from './toy-pipelines.ts'

const SIZE = { widthPx: 96, heightPx: 96 }
const DEFAULTS = { steps: 4, guidance: 2 }

/** What a test can see of it, and tell it. */
export interface FakePainter {
  /** All that was begun. */
  readonly orders: readonly DrawOrder[]
  /** Orders that have begun and not ended. */
  readonly active: number
  /** How often it was closed. */
  readonly closed: number
  /** What is painted for an order and a seed. */
  paint: (order: DrawOrder, seed: number) => Raster | Promise<Raster>
  /** Lets the first step of whatever follows wait until the gate is opened. */
  hold(): Gate
  /** As new. */
  reset(): void
}

/** Takes the pipeline's place in every Lucida that this test file opens from now on. */
export function useFakePainter(): FakePainter {
  const orders: DrawOrder[] = []
  let active = 0
  let closed = 0
  let gate: Gate | null = null
  const noise = (_: DrawOrder, seed: number) => noisePicture(SIZE.widthPx, SIZE.heightPx, seed)

  async function* draw(order: DrawOrder): AsyncGenerator<DrawEvent, Drawing[]> {
    const { seeds, steps = DEFAULTS.steps, signal } = order
    orders.push(order)
    active++
    try {
      for (let step = 1; step <= steps; step++) {
        const isPreviewed = step === 2 && steps > 2
        const previews = seeds.map((seed) => noisePicture(8, 8, seed))
        yield { type: 'step', step, steps, ...(isPreviewed && { previews }) }
        await orAborted(gate?.opened, signal)
        signal?.throwIfAborted()
      }
      return await Promise.all(
        seeds.map(async (seed) => ({
          seed,
          picture: await fake.paint(order, seed),
          embedding: null,
        })),
      )
    } finally {
      active--
    }
  }

  const painter: Painter = {
    spec: { name: 'fake-unclip', digests: {}, size: SIZE, defaults: DEFAULTS, space: null },
    draw,
    imagine: async (meaning) => meaning,
    recalls: async () => false,
    close: async () => void closed++,
  }
  vi.doMock('../../src/generate/pipelines.ts', () => ({ findPipeline: async () => painter.spec }))
  vi.doMock('../../src/generate/painter.ts', () => ({ openPainter: () => painter }))

  const fake: FakePainter = {
    orders,
    get active() {
      return active
    },
    get closed() {
      return closed
    },
    paint: noise,
    hold: () => (gate = newGate()),
    reset() {
      gate?.open()
      gate = null
      orders.length = 0
      fake.paint = noise
    },
  }
  return fake
}

async function orAborted(wait: Promise<void> | undefined, signal: AbortSignal | undefined) {
  if (!wait) return
  await new Promise<void>((resolve) => {
    void wait.then(resolve)
    signal?.addEventListener('abort', () => resolve())
  })
}
