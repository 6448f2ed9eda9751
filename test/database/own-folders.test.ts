// Drawings and uploads lie in folders of Lucida's own, which may lie inside a folder that is indexed,
// even a hidden one, as that of the data directory does in the user's home.
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Lucida } from '../../src/lucida.ts'
import { examine } from '../../src/doctor/examine.ts'
import { resolveConfig } from '../../src/config.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { useFakePainter } from '../helpers/fake-painter.ts'
import { drawPicture } from '../helpers/noise-pictures.ts'
import { indexAll, openAt } from '../helpers/open-lucida.ts'

useFakePainter()

describeDatabase("folders of Lucida's own inside an indexed one", (newPlace) => {
  let home: string
  let place: TestPlace
  let lucida: Lucida
  beforeEach(async () => {
    home = await realpath(await mkdtemp(join(tmpdir(), 'lucida-home-')))
    await mkdir(join(home, 'photos'))
    await writeFile(join(home, 'photos/red.png'), await drawPicture('#c81414'))
    place = await newPlace()
  })
  afterEach(async () => {
    await lucida.close()
    await place[Symbol.asyncDispose]()
    await rm(home, { recursive: true, force: true })
  })

  const own = (storage: string) => ['drawn', 'uploads'].map((name) => join(storage, name))
  const count = async () => (await lucida.list({ filter: { generated: 'any' } })).results.length
  const roots = async () => (await lucida.roots()).map(({ path }) => path)

  describe.each(['.hidden', 'open'])('in a folder %s', (name) => {
    test.each(['before', 'after'])('that was made %s it was indexed', async (when) => {
      const storage = join(home, name)
      lucida = await openAt(place, { storage })
      const keep = async () => {
        await draw(lucida)
        await lucida.uploads.add(await drawPicture('#1432d2'))
      }
      if (when === 'before') await keep()
      await indexAll(lucida, [home])
      if (when === 'after') await keep()
      expect(await roots()).toEqual([home, ...own(storage)])
      // A run that does not meet them says nothing of them.
      expect(await indexAll(lucida, [home])).toMatchObject({ vanished: 0 })
      expect(await count()).toBe(3)
      expect(await indexAll(lucida, [home], { prune: true, exclude: [name] })).toMatchObject({
        vanished: 0,
        pruned: 0,
      })
      expect(await count()).toBe(3)
      // Their own runs do.
      await rm(join(storage, 'uploads'), { recursive: true })
      await indexAll(lucida, own(storage), { prune: true })
      expect(await count()).toBe(2)
      await lucida.remove(home)
      expect(await roots()).toEqual(own(storage))
      expect(await count()).toBe(1)
    })
  })

  test('are no folders too many', async () => {
    const storage = join(home, 'open')
    lucida = await openAt(place, { storage })
    await indexAll(lucida, [home])
    await lucida.uploads.add(await drawPicture('#1432d2'))
    await lucida.close()
    const { dataDir, databaseUrl } = place
    const config = resolveConfig({ flags: { dataDir, databaseUrl, storage }, env: {} })
    const { found } = await examine(config, false)
    expect(found.map(({ code }) => code)).not.toContain('root_nested')
    lucida = await openAt(place, { storage })
  })
})

async function draw(lucida: Lucida): Promise<void> {
  const planned = await lucida.plan({ idea: { text: 'fog' }, candidates: 1, seed: 7, keep: 'best' })
  for await (const _ of planned.run()) continue
}
