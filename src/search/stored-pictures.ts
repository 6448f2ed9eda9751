// The store as the source that searches and listings read from.
import { findAddedSince, lastSequence, type VectorSpace } from '../store/changes.ts'
import type { Database } from '../store/database.ts'
import { countMatching, findMatching, findMatchingByDate } from '../store/filters.ts'
import { findPictures, findVectors } from '../store/pictures.ts'
import type { PictureSource } from './rank.ts'

/** Reads pictures from the database, vectors in one space. */
export function storedPictures(db: Database, space: VectorSpace): PictureSource {
  return {
    findPictures: (hashes) => findPictures(db, hashes),
    findVectors: (hashes) => findVectors(db, space, hashes),
    findMatching: (filter) => findMatching(db, filter),
    findMatchingByDate: (filter, options) => findMatchingByDate(db, filter, options),
    countMatching: (filter) => countMatching(db, filter),
    lastSequence: () => lastSequence(db),
    findAddedSince: (sequence) => findAddedSince(db, sequence),
  }
}
