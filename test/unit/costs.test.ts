import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CATALOGUE } from '../../src/models/catalogue.ts'
import { estimateSpeed, type ModelCosts, readCosts } from '../../src/models/costs.ts'
import { runCaptured } from '../helpers/cli.ts'

const cost = (perSecond: number) => ({ perSecond, batch: 8, textMs: 1, memoryMb: 100 })
const COSTS: ModelCosts = {
  machine: 'a machine',
  node: 'v20',
  models: { 'lucida-clip-1': cost(400), 'clip-vit-b-32': cost(20), 'siglip-b-16': cost(6) },
}
const estimate = (perSecond: number, wanted: string, model = 'lucida-clip-1') =>
  estimateSpeed(COSTS, CATALOGUE, { model, perSecond }, wanted)

describe('the speed of a model that is not at hand', () => {
  test('is what was measured of it, by how much faster this machine is', () => {
    expect(estimate(800, 'clip-vit-b-32')).toBeCloseTo(40)
    expect(estimate(200, 'siglip-b-16')).toBeCloseTo(3)
  })

  test('is else estimated by published operations', () => {
    expect(estimate(400, 'clip-vit-l-14')).toBeCloseTo((20 * 8.82) / 162.03)
    // From a model that was never measured there, too.
    expect(estimate(5, 'clip-vit-b-32', 'clip-vit-b-16')).toBeCloseTo((5 * 35.13) / 8.82)
  })

  test('is not made up where nothing is known', () => {
    expect(estimate(400, 'mobileclip-s0')).toBeUndefined()
    expect(estimate(400, 'clip-vit-b-32-q8')).toBeUndefined()
    expect(estimate(400, 'clip-vit-b-32', 'somebody-elses')).toBeUndefined()
  })
})

test('models/costs.json names its machine, and models that there are', async () => {
  const { machine, models } = await readCosts()
  expect(machine).toMatch(/\d cores/)
  const names = ['lucida-clip-1', ...CATALOGUE.map(({ name }) => name)]
  expect(names).toEqual(expect.arrayContaining(Object.keys(models)))
  // By which others are estimated.
  expect(Object.keys(models)).toEqual(expect.arrayContaining(['lucida-clip-1', 'clip-vit-b-32']))
})

describe('lucida bench', () => {
  let folder = ''
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'lucida-bench-'))))
  afterEach(() => rm(folder, { recursive: true }))
  const bench = (...args: string[]) =>
    runCaptured(['bench', '--seconds', '1', '--data-dir', folder, ...args], {
      env: { LUCIDA_MODELS_DIR: join(folder, 'models') },
    })

  test('measures with the pictures of a folder, and says what is only estimated', async () => {
    const photos = join(folder, 'photos')
    await mkdir(photos)
    const background = '#a63'
    const create = { width: 1000, height: 500, channels: 3, background } as const
    await sharp({ create }).jpeg().toFile(join(photos, 'one.jpg'))
    await writeFile(join(photos, 'broken.jpg'), 'no picture')
    const { code, out } = await bench(photos, '--json')
    expect(code).toBe(0)
    const report = JSON.parse(out) as {
      decode: { perSecond: number; megapixels: number; failed: number }
      encode: { perSecond: number; batch: number; textMs: number }
      models: { model: string; measured: boolean; picturesPerSecond: number }[]
    }
    expect(report.decode).toMatchObject({ megapixels: 0.5 })
    expect(report.decode.failed).toBeGreaterThan(0)
    expect(report.encode.textMs).toBeGreaterThan(0)
    const measured = report.models.filter((row) => row.measured).map(({ model }) => model)
    expect(measured).toEqual(['lucida-clip-1'])
    const speeds = report.models.map(({ picturesPerSecond }) => picturesPerSecond)
    expect(speeds).toEqual([...speeds].sort((a, b) => b - a))
    for (const speed of speeds) expect(speed).toBeLessThan(report.decode.perSecond)
  })

  test('makes a photograph where no folder is named, and prints a line a model', async () => {
    const { code, out } = await bench()
    expect(code).toBe(0)
    expect(out).toContain('a made photograph, 12.0 megapixels')
    expect(out).toMatch(/^lucida-clip-1 +measured/m)
    expect(out).toMatch(/^clip-vit-b-32 +estimated .*10,000 in .*100,000 in /m)
  })

  test('refuses a folder without pictures', async () => {
    const { code, err } = await bench(folder)
    expect(code).toBe(1)
    expect(err).toContain('There is no picture in')
  })
})
