// Every statement on the main paths obeys the rules of a cluster, rule by rule. All other tests of the
// database are watched for the same (helpers/watch-statements.ts); here it cannot be missed.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ContentHash } from '../../src/core/hash.ts'
import { openPgvectorIndex } from '../../src/search/pgvector-index.ts'
import { syncIndex } from '../../src/search/sync.ts'
import { openApiKeys } from '../../src/store/api-keys.ts'
import { feedState, findAddedSince, lastSequenceOf } from '../../src/store/changes.ts'
import { openClaims } from '../../src/store/claims.ts'
import { findConcept, listConcepts, sampleVectors } from '../../src/store/concepts.ts'
import type { Database } from '../../src/store/database.ts'
import { claimDrawnFolder, findDrawn } from '../../src/store/drawn.ts'
import { listContents, listCopies, readFingerprints } from '../../src/store/duplicates.ts'
import { countFacets } from '../../src/store/facets.ts'
import { listFailures } from '../../src/store/failures.ts'
import {
  countMatching,
  findMatching,
  findMatchingByDate,
  type PictureFilter,
} from '../../src/store/filters.ts'
import { findKept, listGenerations } from '../../src/store/generations.ts'
import {
  contentAtPath,
  deletePaths,
  filesOf,
  forgetContent,
  knownInRange,
  markMissing,
  stillVisible,
} from '../../src/store/paths.ts'
import {
  findContent,
  findPictures,
  findVectors,
  listVisible,
  readHashes,
  writeBatch,
} from '../../src/store/pictures.ts'
import { claimRoot, removeRoot, summarizeRoots } from '../../src/store/roots.ts'
import { beginChange, noteServing } from '../../src/store/serving.ts'
import { refreshStatistics } from '../../src/store/statistics.ts'
import { switchServing } from '../../src/store/switch-serving.ts'
import {
  countFilled,
  countVectors,
  dropVectors,
  findMissing,
  listFillFailures,
  writeFilled,
} from '../../src/store/vectors.ts'
import { type Rule, violations } from '../helpers/cluster-rules.ts'
import { type VectorDatabase, vectorEngines } from '../helpers/pgvector.ts'
import { collectStatements, sentStatements } from '../helpers/sent-statements.ts'
import { hashOf, storedFile, vectorOf } from '../helpers/shared-store.ts'

const space = { model: 'clip', recipe: 'first' }
const next = { model: 'other', recipe: 'first', dimension: 8 }
const FILTER: PictureFilter = {
  folders: ['/photos'],
  outside: ['/photos/private'],
  formats: ['png'],
  takenFrom: '2020-01-01T00:00:00',
  takenBefore: '2030-01-01T00:00:00',
  camera: 'nikon',
  lens: '50',
  near: { latitude: 1, longitude: 2, radiusKm: 3 },
  box: { south: 1, west: 2, north: 3, east: 4 },
  hasGps: true,
  orientation: 'square',
  minWidthPx: 1,
  minHeightPx: 1,
  generated: false,
  contents: [hashOf('cat')],
}

const RULES: readonly Rule[] = [
  'the distribution column is in every key',
  'foreign keys lead to colocated or reference tables',
  'joins are on the distribution column',
  'conflict targets contain the distribution column',
]

describe('statements on the main paths', () => {
  let database: VectorDatabase
  beforeAll(async () => {
    collectStatements()
    database = await vectorEngines[0]!.open()
    const { db } = database
    await indexPictures(db)
    await search(db)
    await read(db)
    await changeModel(db)
    await remove(db)
  })
  afterAll(() => database[Symbol.asyncDispose]())

  test('are those of all tables', () => {
    const all = [...sentStatements].join('\n')
    for (const table of ['contents', 'paths', 'embeddings', 'changes', 'fill_failures', 'claims']) {
      expect(all).toContain(`insert into "${table}"`)
      expect(all).toContain(`from "${table}"`)
    }
    expect(all).toMatch(/create table vectors_clip/)
    expect(all).toMatch(/order by vector <#>/)
  })

  test.each(RULES)('%s', (rule) => {
    const broken = [...sentStatements].flatMap((statement) =>
      violations(statement)
        .filter((violation) => violation.rule === rule)
        .map(({ detail }) => ({ detail, statement })),
    )
    expect(broken).toEqual([])
  })
})

async function indexPictures(db: Database): Promise<void> {
  await claimRoot(db, '/photos', undefined)
  await noteServing(db, space)
  const claims = openClaims(db, space)
  await claims.take(hashOf('cat'))
  const files = ['cat', 'dog', 'bird'].map((name) => storedFile(name))
  const { content: _, vector: __, ...copy } = storedFile('cat', '/photos/copy.png')
  const failed = {
    ...copy,
    path: '/photos/broken.png',
    code: 'corrupt_image',
    reason: '',
    triedBy: '0',
  }
  await writeBatch(db, space, { files: [...files, copy], failures: [failed], folder: '/photos' })
  await claims.release()
  await refreshStatistics(db)
  await knownInRange(db, space, { after: '/', upTo: '/z' })
  await findContent(db, space, hashOf('cat'))
  await markMissing(db, ['/photos/dog.png'], true)
  await markMissing(db, ['/photos/dog.png'], false)
  await claimDrawnFolder(db, '/drawn')
}

async function search(db: Database): Promise<void> {
  const identity = { storeId: 'any', ...space, dimension: 8 }
  for (const graph of ['half', 'bits'] as const) {
    const index = await openPgvectorIndex({ db, identity, graph, fresh: true, rowsPerStep: 0 })
    await syncIndex(db, space, index)
    await index.save()
    for (const filter of [undefined, {}, FILTER]) {
      const among = filter && {
        filter,
        count: () => countMatching(db, filter),
        contents: () => findMatching(db, filter),
      }
      await index.search(vectorOf('cat'), 2, among)
    }
    await index.vectorsOf([hashOf('cat')])
    await index.apply([{ content: hashOf('cat'), vector: null }], index.sequence + 1)
  }
  const exact = await openPgvectorIndex({ db, identity, graph: 'half', rowsPerStep: Infinity })
  await exact.search(vectorOf('cat'), 2)
}

async function read(db: Database): Promise<void> {
  const hashes: ContentHash[] = await readHashes(db, 10)
  await findPictures(db, hashes)
  await findVectors(db, space, hashes)
  await listVisible(db)
  for (const filter of [{}, FILTER]) {
    await findMatching(db, filter)
    await countMatching(db, filter)
    await countFacets(db, filter)
    await findMatchingByDate(db, filter, {
      after: { takenAt: null, hash: hashOf('cat') },
      limit: 5,
    })
    await findMatchingByDate(db, filter, {
      after: { takenAt: '2020-01-01T00:00:00', hash: hashOf('cat') },
    })
  }
  await lastSequenceOf(db, space)
  await feedState(db, space)
  await findAddedSince(db, 0)
  await listCopies(db, hashOf('cat'), 5)
  await listContents(db, hashOf('cat'), 5)
  for await (const some of readFingerprints(db)) expect(some.length).toBeLessThan(4)
  await findDrawn(db)
  await summarizeRoots(db)
  await listFailures(db)
  await contentAtPath(db, '/photos/cat.png')
  await filesOf(db, hashOf('cat'))
  await stillVisible(db, hashes, new Set())
  await sampleVectors(db, space, 5)
  await listConcepts(db)
  await findConcept(db, 'none')
  await findKept(db, hashOf('request'))
  await listGenerations(db, 5)
  await openApiKeys(db).list()
}

async function changeModel(db: Database): Promise<void> {
  await beginChange(db, next)
  const missing: ContentHash[] = []
  for await (const hash of findMissing(db, next)) missing.push(hash)
  const [unreadable, ...rest] = missing
  const vectors = rest.map((content) => ({ content, vector: vectorOf(content) }))
  const failures = [{ content: unreadable!, path: '/photos/x.png', code: 'unreadable', reason: '' }]
  await writeFilled(db, next, { vectors, failures })
  await countFilled(db, next)
  await listFillFailures(db, next.model, 5)
  expect(await switchServing(db, next, { despiteMissing: false })).toBe('switched')
  await countVectors(db)
  await dropVectors(db, space.model)
}

async function remove(db: Database): Promise<void> {
  await forgetContent(db, hashOf('cat'))
  await markMissing(db, ['/photos/dog.png'], true)
  await deletePaths(db, '/photos', 'missing')
  await removeRoot(db, '/photos')
}
