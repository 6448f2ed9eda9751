// What the processes that build and measure share: how vectors are called, what building cost.
import { readFile } from 'node:fs/promises'
import { sha256 } from '../../../src/core/hash.ts'
import type { IndexIdentity } from '../../../src/search/vector-index.ts'
import { DIMENSION } from './vectors.ts'

/** What an index of these vectors is known by. */
export const IDENTITY: IndexIdentity = {
  storeId: 'bench',
  model: 'million',
  recipe: 'made',
  dimension: DIMENSION,
}

/** What building cost, over all the processes that it took. */
export interface BuildCost {
  /** Vectors that are in the saved index. */
  readonly vectors: number
  readonly seconds: number
  /** Of one core: the time alone says little on a machine that others use too. */
  readonly cpuSeconds: number
  readonly threads: number
  readonly peakBytes: number
  /** Processes that it took. */
  readonly runs: number
}

export const NOTHING: BuildCost = {
  vectors: 0,
  seconds: 0,
  cpuSeconds: 0,
  threads: 1,
  peakBytes: 0,
  runs: 0,
}

/** What `build` has told of an index so far. */
export async function readCost(path: string): Promise<BuildCost> {
  const text = await readFile(path, 'utf8').catch(() => null)
  return text === null ? NOTHING : (JSON.parse(text) as BuildCost)
}

/** The content that stands for a row. */
export const contentOf = (row: number) => sha256(`million/${row}`)

/** 1,000 queries, one after another, on one thread. */
export interface Point {
  /** Candidates of a search. */
  readonly ef: number
  readonly recall: number
  readonly tookMs: readonly number[]
}

/** What a process prints that has opened a built index and searched it. */
export interface Measured {
  readonly points: readonly Point[]
  readonly loadSeconds: number
  /** Resident memory once it was opened, and after all searches, less that before. */
  readonly loadedBytes: number
  readonly residentBytes: number
  /** Most that the process ever had. */
  readonly peakBytes: number
  /** Of the library, where the bench cannot know it. */
  readonly version?: string
}
