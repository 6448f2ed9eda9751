import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, parse } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sketch } from '../../src/demo/brush.ts'
import { creatures } from '../../src/demo/creatures.ts'
import { drawDemoPictures } from '../../src/demo/draw.ts'
import { places } from '../../src/demo/places.ts'
import { demoQueries, precisionAt } from '../../src/demo/queries.ts'
import { demoScenes } from '../../src/demo/scenes.ts'
import { things } from '../../src/demo/things.ts'

describe('the set of pictures', () => {
  test('has sixty pictures whose names are unique', () => {
    const names = [places, creatures, things].flatMap((part) => Object.keys(part))
    expect(names).toHaveLength(60)
    expect(new Set(names).size).toBe(60)
    expect([...demoScenes.keys()]).toEqual(names)
  })

  test('draws the same text each time and never a number that is none', () => {
    for (const [name, scene] of demoScenes) {
      const svg = scene()
      expect(scene(), name).toBe(svg)
      expect(svg, name).not.toMatch(/NaN|undefined|Infinity/)
    }
  })
})

describe('the queries', () => {
  test('are ten, each with three or more relevant pictures of the set', () => {
    expect(demoQueries).toHaveLength(10)
    for (const { text, relevant } of demoQueries) {
      expect(new Set(relevant).size, text).toBe(relevant.length)
      expect(relevant.length, text).toBeGreaterThanOrEqual(3)
      expect(relevant.filter((name) => !demoScenes.has(name))).toEqual([])
    }
  })

  test('precision at 3 is the share of the first three results that are relevant', () => {
    expect(precisionAt(3, ['a', 'b', 'c'], ['a', 'x', 'c', 'b'])).toBeCloseTo(2 / 3)
    expect(precisionAt(3, ['a', 'b', 'c'], ['c', 'b', 'a'])).toBe(1)
    expect(precisionAt(3, ['a', 'b', 'c'], ['x', 'y', 'z', 'a'])).toBe(0)
    expect(precisionAt(3, ['a', 'b', 'c'], ['a'])).toBeCloseTo(1 / 3)
  })
})

test('a line that is not a stroke of the brush is an error', () => {
  expect(() => sketch`fill`).toThrow('Not a stroke: fill')
})

describe('drawing into a folder', () => {
  let root: string
  let directory: string
  const path = (file: string) => join(directory, file)
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'lucida-demo-'))
    directory = join(root, 'new', 'pictures')
  })
  afterAll(() => rm(root, { recursive: true, force: true }))

  test('gives readable pictures in several formats', async () => {
    expect(await drawDemoPictures(directory)).toBe(60)
    const files = await readdir(directory)
    expect(files.map((file) => parse(file).name).sort()).toEqual([...demoScenes.keys()].sort())
    expect(new Set(files.map((file) => parse(file).ext))).toEqual(
      new Set(['.jpg', '.png', '.webp']),
    )
    for (const file of files) {
      const { width, height, format } = await sharp(path(file)).metadata()
      expect(['640x480', '480x640', '512x512'], file).toContain(`${width}x${height}`)
      expect(format, file).toBe(parse(file).ext.slice(1).replace('jpg', 'jpeg'))
    }
  })

  test('draws missing and empty pictures again with the same bytes', async () => {
    const gone = ['beach.jpg', 'clock.png', 'goldfish.webp', 'mountain-lake.jpg', 'red-car.jpg']
    const before = await Promise.all(gone.map((file) => readFile(path(file))))
    await Promise.all(gone.slice(1).map((file) => rm(path(file))))
    await writeFile(path('beach.jpg'), '')

    expect(await drawDemoPictures(directory)).toBe(60)
    const after = await Promise.all(gone.map((file) => readFile(path(file))))
    expect(after.map((bytes, i) => bytes.equals(before[i]!))).toEqual(gone.map(() => true))
  })

  test('leaves finished pictures alone and no unfinished ones behind', async () => {
    await writeFile(path('cat.jpg'), 'kept')
    await drawDemoPictures(directory)
    expect(await readFile(path('cat.jpg'), 'utf8')).toBe('kept')
    expect(await readdir(directory)).toHaveLength(60)
  })

  test('says which folder cannot be written', async () => {
    const file = join(root, 'file')
    await writeFile(file, '')
    await expect(drawDemoPictures(join(file, 'below'))).rejects.toMatchObject({
      name: 'LucidaError',
      message: expect.stringContaining(join(file, 'below')) as string,
    })
  })
})
