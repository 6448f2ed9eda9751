// What a backup consists of, as types and as schemas, and what is said of one that does not.
import { z } from 'zod'
import { LucidaError } from '../core/errors.ts'

/** The data directory, or the storage, which is the same place unless LUCIDA_STORAGE says otherwise. */
const place = z.enum(['data', 'storage']).default('data')

export const manifestSchema = z.object({
  /** The version that made it. */
  version: z.string(),
  createdAt: z.string(),
  /** How many migrations its tables have been through. */
  migrations: z.int(),
  /** The last number of the change feed. */
  sequence: z.int(),
  roots: z.array(z.string()),
  /** Lucida's own folders, whose files are in the backup; names are relative to where they lie. */
  own: z.array(z.object({ path: z.string(), name: z.string(), place })),
  /** Those that are not in it: they lie neither in the data directory nor in the storage. */
  elsewhere: z.array(z.string()).default([]),
})

export const tableSchema = z.object({
  table: z.string(),
  columns: z.array(z.string()),
  rows: z.int(),
  bytes: z.int(),
})
const fileSchema = z.object({ file: z.string(), place, bytes: z.int() })
const endSchema = z.object({ end: z.record(z.string(), z.int()) })
export const blockSchema = z.union([endSchema, fileSchema, tableSchema])

/** What a backup says of itself. */
export type Manifest = z.infer<typeof manifestSchema>

type OwnPlace = z.infer<typeof place>

/** Some rows of a table: a JSON array of objects. */
export interface TableBlock {
  readonly table: string
  readonly columns: readonly string[]
  readonly rows: number
  readonly json: string
}

/** A file of Lucida's own. */
export interface FileBlock {
  /** The name of its folder, and its name there. */
  readonly file: string
  readonly place: OwnPlace
  readonly bytes: number
  /** To be read to its end before the next block. */
  readonly content: AsyncIterable<Uint8Array>
}

/** How much of what is in a backup: rows by table, and `files`. */
export type Counts = Readonly<Record<string, number>>

export type Block = TableBlock | FileBlock | { readonly end: Counts }

/** The error for one that is not whole. */
export function damaged(path: string): LucidaError {
  return new LucidaError(
    'checksum_mismatch',
    `${path} is cut short or damaged: its checksum does not match. Nothing was restored; use another copy of the backup`,
  )
}

/** The error for what no version of Lucida has written. */
export function malformed(path: string, why: string, cause?: unknown): LucidaError {
  const message = `${path} is no sound backup: ${why}. Nothing was restored; use another copy of the backup`
  return new LucidaError('bad_input', message, { cause })
}

/** The error for a backup of a newer version. */
export function newer(path: string, why: string): LucidaError {
  return new LucidaError(
    'bad_input',
    `${path} was made by a newer version of Lucida (${why}); update this one, then restore it`,
  )
}
