// Duplicates in the shell and over HTTP: three tiers, the same from either side of a server.
import { copyFile } from 'node:fs/promises'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { createApi } from '../../src/api/app.ts'
import { startServer } from '../../src/api/server.ts'
import { demoScenes } from '../../src/demo/scenes.ts'
import { runCaptured } from '../helpers/cli.ts'
import { describeDatabase } from '../helpers/database.ts'
import { openAt } from '../helpers/open-lucida.ts'
import { newFolder } from '../helpers/picture-folder.ts'

interface Listed {
  readonly groups: readonly {
    readonly tier: string
    readonly pictures: readonly { readonly path: string; readonly similarity: number }[]
  }[]
}

describeDatabase('duplicates in the shell', (newPlace) => {
  test('every group has its tier; a server beside it changes nothing', async () => {
    await using place = await newPlace()
    await using folder = await newFolder()
    const run = (...args: readonly string[]) =>
      runCaptured([...args, '--data-dir', place.dataDir], {
        cwd: folder.path,
        env: place.databaseUrl ? { LUCIDA_DATABASE_URL: place.databaseUrl } : {},
      })
    const scene = async (name: string) =>
      sharp(Buffer.from(demoScenes.get(name)!()))
        .flatten()
        .resize(300, 200, { fit: 'fill' })
        .png()
        .toBuffer()
    const horse = await scene('horse')
    for (const name of ['horse', 'lighthouse', 'red-bicycle', 'red-car', 'blue-car']) {
      await folder.write(`${name}.png`, await scene(name))
    }
    await copyFile(folder.at('lighthouse.png'), folder.at('again.png'))
    await folder.write('flopped.png', await sharp(horse).flop().png().toBuffer())
    const part = { left: 20, top: 0, width: 270, height: 180 }
    await folder.write('part.png', await sharp(horse).extract(part).png().toBuffer())
    expect((await run('index', folder.path)).code).toBe(0)

    const all = await run('duplicates', '--json', '--min-score', '0.5')
    const { groups } = JSON.parse(all.out) as Listed
    const of = (tier: string) => groups.filter((group) => group.tier === tier)
    expect(of('exact').map(({ pictures }) => pictures.length)).toEqual([1])
    expect(of('exact')[0]!.pictures[0]!.path).toBe(folder.at('again.png'))
    const horses = new Set(['horse', 'flopped', 'part'].map((name) => folder.at(`${name}.png`)))
    const near = of('near').flatMap(({ pictures }) => pictures)
    expect(new Set(near.map(({ path }) => path))).toEqual(horses)
    for (const { similarity } of near) expect(similarity).toBeGreaterThanOrEqual(0.9)
    expect(of('look-alike').length).toBeGreaterThan(0)
    for (const { pictures } of of('look-alike')) {
      const [first, ...others] = pictures.map(({ path }) => path)
      if (horses.has(first!)) expect(others.filter((path) => horses.has(path))).toEqual([])
    }

    const text = await run('duplicates', '--tier', 'exact')
    expect(text.out).toBe(
      `exact\n  1.000  ${folder.at('again.png')}\n  1.000  ${folder.at('lighthouse.png')}\n`,
    )
    expect(text.err).toContain('groups: 1 exact')
    expect((await run('duplicates', '--tier', 'both')).code).toBe(2)
    const few = JSON.parse((await run('duplicates', '--json', '-k', '1')).out) as Listed
    expect(few.groups.filter(({ tier }) => tier === 'near')).toHaveLength(1)

    if (place.databaseUrl) return
    const lucida = await openAt(place)
    const api = createApi(lucida)
    const options = { host: '127.0.0.1', port: 0, ownDirectory: place.dataDir }
    const server = await startServer(api, options)
    try {
      expect(await run('duplicates', '--json', '--min-score', '0.5')).toEqual(all)
    } finally {
      await server.close()
      await lucida.close()
    }
  })
})
