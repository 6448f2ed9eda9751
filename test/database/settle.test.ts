// The end of a run, where somebody else has added to the folder meanwhile.
import { expect, test } from 'vitest'
import { settle } from '../../src/indexer/settle.ts'
import { openSource } from '../../src/sources/open-source.ts'
import { lastSequence } from '../../src/store/changes.ts'
import { filesOf, knownInRange } from '../../src/store/paths.ts'
import { writeBatch } from '../../src/store/pictures.ts'
import { claimRoot } from '../../src/store/roots.ts'
import { describeDatabase } from '../helpers/database.ts'
import { makePicture } from '../helpers/noise-pictures.ts'
import { newFolder } from '../helpers/picture-folder.ts'
import { sharedDatabase, storedFile } from '../helpers/shared-store.ts'

const SPACE = { model: 'fake', recipe: 'first' }

describeDatabase('a run that has not seen a file', (newPlace) => {
  const shared = sharedDatabase(newPlace)

  test.each([
    ['keeps what came after its walk', 'there', 1],
    ['lets go of what came and went', 'gone', 0],
    ['lets go of what was there before', 'before', 0],
  ])('%s', async (_, what, left) => {
    const { db } = shared
    await using folder = await newFolder()
    // The rest of the folder, so that it does not look unmounted.
    const others = ['a', 'b', 'c'].map((name) => storedFile(name, folder.at(`${name}.png`)))
    const root = await claimRoot(db, folder.path, undefined)
    await writeBatch(db, SPACE, { files: others, failures: [], folder: folder.path })
    const bytes = await makePicture('late')
    const path = await folder.write('late.png', bytes)
    const state = (await openSource(path).stat(path))!
    const late = { ...storedFile('late', path), ...state }
    const start = await lastSequence(db)
    await writeBatch(db, SPACE, { files: [late], failures: [], folder: folder.path })
    const known = await knownInRange(db, SPACE, { after: path.slice(0, -1), upTo: path })
    if (what === 'gone') await folder.remove('late.png')
    const counts = { seen: 3, vanished: 0, pruned: 0 } as never
    const findings = { vanished: known, goneFailures: [], returned: [], unreadable: [] }
    const unmounted = await settle(db, root, folder.path, findings, {
      counts,
      since: what === 'before' ? await lastSequence(db) : start,
      picturesBefore: 3,
      isLeftOut: () => false,
      prune: false,
    })
    expect(unmounted).toBeNull()
    expect(await filesOf(db, late.hash)).toHaveLength(left)
  })
})
