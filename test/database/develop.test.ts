// Drawing what a collection lacks, through the library's entry, with the built-in pipeline.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import { fromXmp } from '../../src/generate/provenance.ts'
import type { GenerateEvent, GenerateOptions, Generation, Lucida } from '../../src/lucida.ts'
import { openPicture } from '../../src/pictures/open-picture.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { drawPicture, makeBlobs } from '../helpers/noise-pictures.ts'
import { indexAll, openAt, writeDrawings } from '../helpers/open-lucida.ts'
import { newFolder, type TestFolder } from '../helpers/picture-folder.ts'

/** Four steps are enough to tell one picture from another. */
const QUICK = { candidates: 2, steps: 4, seed: 7 }

describeDatabase('drawing', (newPlace) => {
  let place: TestPlace
  let folder: TestFolder
  let lucida: Lucida
  let drawings: string[]
  beforeAll(async () => {
    place = await newPlace()
    folder = await newFolder()
    drawings = [...(await writeDrawings(folder)), 'blobs']
    await folder.write('blobs.png', await makeBlobs(1))
    lucida = await openAt(place)
    await indexAll(lucida, [folder.path])
  })
  afterAll(async () => {
    await lucida.close()
    await place[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  async function develop(
    options: GenerateOptions,
    signal?: AbortSignal,
  ): Promise<Generation & { events: GenerateEvent[] }> {
    const planned = await lucida.plan({ ...QUICK, ...options })
    const events: GenerateEvent[] = []
    const running = planned.run(signal)
    let next = await running.next()
    for (; !next.done; next = await running.next()) events.push(next.value)
    return { ...next.value, events }
  }

  /** SHA-256 of the pixels, by seed. */
  async function pixelsOf({ candidates }: Generation): Promise<Map<number, string>> {
    const all = candidates.map(async ({ seed, png }) => {
      const picture = await openPicture(png)
      return [seed, sha256((await picture.raster(picture)).data)] as const
    })
    return new Map(await Promise.all(all))
  }

  const idOf = async (name: string) => sha256(await readFile(join(folder.path, `${name}.png`)))

  describe('a text', () => {
    test('gives candidates with scores, best first, each with its record', async () => {
      const { candidates, tries, picture, events } = await develop({ idea: { text: 'a red car' } })
      expect(new Set(candidates.map(({ seed }) => seed))).toEqual(new Set([7, 8]))
      const scores = candidates.map(({ passes, score }) => (passes ? 10 : 0) + score)
      expect(scores).toEqual([...scores].sort((a, b) => b - a))
      expect(tries).toHaveLength(1)
      expect(picture).toBeNull()
      expect(events.filter(({ type }) => type === 'step')).toHaveLength(4)
      for (const { png, seed, score, relevance } of candidates) {
        const record = fromXmp((await openPicture(png)).xmp)
        expect(record).toMatchObject({
          idea: { text: 'a red car' },
          seed,
          score,
          relevance,
          steps: 4,
        })
      }
    })

    test('gives the same pixels for the same seed in any company', async () => {
      const idea = { text: 'a dog on the beach' }
      const together = await pixelsOf(await develop({ idea, candidates: 4 }))
      const alone = await pixelsOf(await develop({ idea, candidates: 1, seed: 9 }))
      expect(together.size).toBe(4)
      expect(new Set(together.values()).size).toBe(4)
      expect(alone.get(9)).toBe(together.get(9))
    })

    test('is resampled to another size, and the record says so', async () => {
      const size = { width: 200, height: 120 }
      const { candidates } = await develop({ idea: { text: 'snow' }, size, candidates: 1 })
      const picture = await openPicture(candidates[0]!.png)
      expect(picture).toMatchObject({ widthPx: 200, heightPx: 120 })
      const native = { width: expect.any(Number), height: expect.any(Number) }
      expect(fromXmp(picture.xmp)).toMatchObject({ resampled: size, native })
    })
  })

  test('each kind of idea is drawn', async () => {
    const [red, disc] = [await idOf('red'), await idOf('disc')]
    const ideas: GenerateOptions['idea'][] = [
      { mix: [{ id: red }] },
      { mix: [{ id: red }, { id: disc, weight: 2 }, { text: 'night', weight: -0.5 }] },
      { between: [{ id: red }, { text: 'the sea' }], at: 0.5 },
      { change: { id: disc }, to: 'winter', from: 'summer' },
      { hitsOf: [{ text: 'something red' }], count: 3 },
    ]
    for (const idea of ideas) {
      const { candidates } = await develop({ idea, candidates: 1 })
      expect(candidates).toHaveLength(1)
      expect(candidates[0]!.nearest).not.toBeNull()
    }
  })

  test('more variation strays further from the picture', async () => {
    const idea = { mix: [{ id: await idOf('horizon') }] }
    const mean = async (variation: number) => {
      const { candidates } = await develop({ idea, variation, candidates: 8, steps: 8 })
      return candidates.reduce((sum, { score }) => sum + score, 0) / candidates.length
    }
    expect(await mean(0)).toBeGreaterThan(await mean(1))
  })

  test('what a mask keeps is kept', async () => {
    const picture = await readFile(join(folder.path, 'square.png'))
    const mask = await drawPicture('#fff', '<rect width="48" height="96" fill="#000"/>')
    const start = { picture: { picture }, strength: 1, mask }
    const { candidates } = await develop({ idea: { text: 'grass' }, start, candidates: 1 })
    const left = async (bytes: Uint8Array) => {
      const opened = await openPicture(bytes)
      const { data, channels } = await opened.raster({ widthPx: 96, heightPx: 96 })
      return Array.from({ length: 96 * 40 }, (_, i) => {
        const at = (Math.floor(i / 40) * 96 + (i % 40)) * channels
        return [...data.subarray(at, at + 3)]
      })
    }
    expect(await left(candidates[0]!.png)).toEqual(await left(picture))
  })

  test('a near copy of an indexed picture is flagged, and never kept', async () => {
    const picture = await readFile(join(folder.path, 'blobs.png'))
    const { candidates, picture: kept } = await develop({
      idea: { mix: [{ picture }] },
      start: { picture: { picture }, strength: 0.02 },
      keep: 'best',
    })
    expect(candidates[0]).toMatchObject({ nearCopyOf: sha256(picture), passes: false })
    expect(kept).toBeNull()
  })

  describe('a picture that is kept', () => {
    test('is indexed, marked, left out of searches by default, and not drawn twice', async () => {
      const order = { idea: { text: 'a purple bicycle' }, keep: 'best', steps: 5 } as const
      const { picture, id } = await develop(order)
      expect(picture).not.toBeNull()
      const found = async (generated?: 'any' | 'only' | 'none') => {
        const filter = generated && { generated }
        const { results, matching } = await lucida.search([{ text: 'a purple bicycle' }], {
          limit: 100,
          ...(filter && { filter }),
        })
        return { ids: results.map((one) => one.id), matching }
      }
      const plain = await found()
      expect(plain.ids).not.toContain(picture)
      expect(plain.matching).toBe(drawings.length)
      expect((await found('any')).ids).toContain(picture)
      expect((await found('any')).matching).toBe(drawings.length + 1)
      expect(await found('only')).toEqual({ ids: [picture], matching: 1 })
      expect((await found('none')).matching).toBe(drawings.length)
      expect((await lucida.list({ limit: 100 })).matching).toBe(drawings.length)
      expect((await lucida.facets()).pictures).toBe(drawings.length)
      expect(await lucida.gallery.find(picture!)).toMatchObject({ generated: true })
      expect(await lucida.gallery.record(picture!)).toMatchObject({
        idea: { text: 'a purple bicycle' },
        steps: 5,
      })
      expect(await lucida.gallery.record(await idOf('red'))).toBeNull()

      const { earlier } = await lucida.plan({ ...QUICK, ...order })
      expect(earlier).toMatchObject({ id, picture, state: 'done' })
      expect((await lucida.plan({ ...QUICK, ...order, steps: 6 })).earlier).toBeUndefined()
      expect(await lucida.generation(id)).toMatchObject({ id, picture })

      await lucida.gallery.forget(picture!)
      expect((await lucida.plan({ ...QUICK, ...order })).earlier).toBeUndefined()
    })

    test('must be better than what the collection offers', async () => {
      const text = 'a red car'
      const { results } = await lucida.search([{ text }], { limit: 1 })
      const { picture, candidates, offered } = await develop({ idea: { text }, keep: 'accepted' })
      expect(offered).toBeCloseTo(results[0]!.score, 5)
      for (const { passes, score } of candidates)
        if (passes) expect(score).toBeGreaterThan(offered!)
      expect(picture === null).toBe(!candidates.some(({ passes }) => passes))
    })
  })

  test('an order that is cancelled ends between two steps and leaves nothing behind', async () => {
    const before = await readdir(join(place.dataDir, 'drawn')).catch(() => [])
    const cancel = new AbortController()
    const planned = await lucida.plan({ ...QUICK, idea: { text: 'fog' }, keep: 'best', steps: 50 })
    const running = planned.run(cancel.signal)
    expect((await running.next()).done).toBe(false)
    cancel.abort(new Error('enough'))
    await expect(running.next()).rejects.toThrow('enough')
    expect(await lucida.generation(planned.id)).toMatchObject({ state: 'cancelled', picture: null })
    expect(await readdir(join(place.dataDir, 'drawn')).catch(() => [])).toEqual(before)
    // The next in line is drawn as if nothing had happened.
    expect((await develop({ idea: { text: 'fog' } })).candidates).toHaveLength(2)
  })

  test('what lies beside it and is no picture does not keep a drawing from being kept', async () => {
    const own = join(place.dataDir, 'drawn')
    await mkdir(own, { recursive: true })
    await writeFile(join(own, 'beside.png'), 'no picture')
    const { picture } = await develop({ idea: { text: 'a boat' }, keep: 'best', seed: 90 })
    expect(picture).not.toBeNull()
    expect((await lucida.gallery.find(picture!)).generated).toBe(true)
    await lucida.gallery.forget(picture!)
  })

  test('who leaves a drawing half-way leaves the painter to the next', async () => {
    const planned = await lucida.plan({ ...QUICK, idea: { text: 'fog' } })
    const running = planned.run()
    await running.next()
    await running.return(undefined as never)
    expect((await develop({ idea: { text: 'fog' } })).candidates).toHaveLength(2)
  })

  test.each<[string, Partial<GenerateOptions>]>([
    ['no candidates', { candidates: 0 }],
    ['too many candidates', { candidates: 17 }],
    ['negative steps', { steps: -1 }],
    ['half a step', { steps: 1.5 }],
    ['a seed that is no number', { seed: Number.NaN }],
    ['a seed beyond 32 bits', { seed: 2 ** 32 }],
    ['endless guidance', { guidance: Infinity }],
    ['no width', { size: { width: 0, height: 100 } }],
    ['a huge size', { size: { width: 1e9, height: 1e9 } }],
    ['too many rounds', { rounds: 100 }],
    ['10,000 words', { idea: { text: 'word '.repeat(10_000) } }],
    ['10,000 words to avoid', { avoid: 'word '.repeat(10_000) }],
  ])('%s is bad input', async (_, options) => {
    await expect(
      lucida.plan({ ...QUICK, idea: { text: 'fog' }, ...options }),
    ).rejects.toMatchObject({ code: 'bad_input' })
  })

  test('a corrupt picture to begin with is refused', async () => {
    const picture = { picture: Buffer.from('no picture') }
    await expect(
      lucida.plan({ ...QUICK, idea: { text: 'fog' }, start: { picture } }),
    ).rejects.toMatchObject({ code: 'unsupported_format' })
  })
})
