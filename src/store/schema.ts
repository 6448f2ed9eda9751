// Tables of the truth. Everything that hangs on a picture has its content hash in the primary key:
// copies and moves cost nothing, and it is what a sharded database distributes by.
// After a change: `npm run db:generate -- --name what_changed`, and docs/schema.md.
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgSequence,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'
import type { ContentHash } from '../core/hash.ts'
import { byteOrderedText, bytes, contentHash, float32Numbers, float32Vector } from './columns.ts'

/** One row: the identity of this database, so that an index built from another is refused. */
export const store = pgTable('store', {
  id: uuid().primaryKey(),
  createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
})

/** Folders that the user asked for; their pictures are the paths below them. */
export const roots = pgTable('roots', {
  path: byteOrderedText().primaryKey(),
  /** Globs that were left out, kept so that a later run leaves them out too. */
  exclude: text().array().notNull().default([]),
  addedAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  /** End of the last complete run; null until one has ended. */
  indexedAt: timestamp({ withTimezone: true }),
  /** Whether Lucida keeps here what it has drawn; searches leave it out unless told otherwise. */
  drawn: boolean().notNull().default(false),
})

/** A distinct picture, by the SHA-256 of its file. */
export const contents = pgTable('contents', {
  hash: contentHash().primaryKey(),
  format: text().notNull(),
  sizeBytes: bigint({ mode: 'number' }).notNull(),
  /** Upright width and height: after the EXIF orientation is applied. */
  widthPx: integer().notNull(),
  heightPx: integer().notNull(),
  /** EXIF orientation as found, 1 to 8. */
  orientation: smallint().notNull(),
  /** Wall time at the camera; its zone is `takenOffsetMinutes`, where the camera wrote one. */
  takenAt: timestamp({ withTimezone: false, precision: 0, mode: 'string' }),
  takenOffsetMinutes: smallint(),
  cameraMake: text(),
  cameraModel: text(),
  lens: text(),
  latitude: doublePrecision(),
  longitude: doublePrecision(),
  altitudeM: doublePrecision(),
  /** ThumbHash (Wallace 2023): a placeholder of about 25 bytes. */
  thumbHash: bytes().notNull(),
  /** 64-bit DCT hash as 16 hexadecimal digits. */
  perceptualHash: text().notNull(),
  /** Whether the file says of itself that a trained algorithm made it (IPTC's DigitalSourceType). */
  generated: boolean().notNull().default(false),
  addedAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
})

/** Where a picture lies. One path has one row; the writers' lock keeps it so. */
export const paths = pgTable(
  'paths',
  {
    content: contentHash()
      .notNull()
      .references(() => contents.hash, { onDelete: 'cascade' }),
    path: byteOrderedText().notNull(),
    sizeBytes: bigint({ mode: 'number' }).notNull(),
    /** Modification time in milliseconds since 1970, fraction included. */
    mtimeMs: doublePrecision().notNull(),
    /** When the file was first found to be gone; null while it is there. */
    missingSince: timestamp({ withTimezone: true }),
  },
  (table) => [
    primaryKey({ columns: [table.content, table.path] }),
    index('paths_path').on(table.path),
  ],
)

/** Vectors by content and model. A vector of another recipe counts as absent. */
export const embeddings = pgTable(
  'embeddings',
  {
    content: contentHash()
      .notNull()
      .references(() => contents.hash, { onDelete: 'cascade' }),
    model: text().notNull(),
    /** Hash of weights and preprocessing (`ModelSpec.recipe`). */
    recipe: text().notNull(),
    vector: float32Vector().notNull(),
    /** When it was written, in numbers of the change feed; 0 before there were any. */
    seq: bigint({ mode: 'number' }).notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.content, table.model] }),
    index('embeddings_seq_order').on(table.model, table.seq),
  ],
)

/** Numbers the changes; drawn only under the writers' lock, so that order is commit order. */
export const changesSeq = pgSequence('changes_seq')

/** The change feed: when each content last came or went, tombstones included. */
export const changes = pgTable(
  'changes',
  {
    content: contentHash().primaryKey(),
    seq: bigint({ mode: 'number' }).notNull(),
    op: text({ enum: ['put', 'remove'] }).notNull(),
  },
  (table) => [index('changes_seq_order').on(table.seq)],
)

/** Files that could not be indexed, and why; retried when they change. */
export const failures = pgTable('failures', {
  path: byteOrderedText().primaryKey(),
  code: text().notNull(),
  reason: text().notNull(),
  sizeBytes: bigint({ mode: 'number' }).notNull(),
  mtimeMs: doublePrecision().notNull(),
  /** Version of Lucida that tried; another one tries again. */
  triedBy: text().notNull(),
  failedAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
})

/** One row: which model answers searches, which did before, and which is being filled to be next. */
export const serving = pgTable(
  'serving',
  {
    id: smallint().primaryKey().default(1),
    model: text().notNull(),
    recipe: text().notNull(),
    previousModel: text(),
    nextModel: text(),
    nextRecipe: text(),
    /** Whether filling rests until somebody resumes it. */
    paused: boolean().notNull().default(false),
    /** Since when this model answers. */
    since: timestamp({ withTimezone: true }).notNull().defaultNow(),
    /** When the change under way was begun. */
    nextSince: timestamp({ withTimezone: true }),
  },
  (table) => [check('serving_one_row', sql`${table.id} = 1`)],
)

/** Pictures that a model cannot be given, and why; they do not hold up a change of model. */
export const fillFailures = pgTable(
  'fill_failures',
  {
    content: contentHash()
      .notNull()
      .references(() => contents.hash, { onDelete: 'cascade' }),
    model: text().notNull(),
    path: byteOrderedText().notNull(),
    code: text().notNull(),
    reason: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.content, table.model] })],
)

/** Keys of the HTTP API. The key itself is shown once, when it is made, and kept nowhere. */
export const apiKeys = pgTable('api_keys', {
  /** The public part of the key, by which it is found. */
  id: text().primaryKey(),
  /** What the user calls it. */
  name: text().notNull(),
  scope: text({ enum: ['read', 'write', 'admin'] }).notNull(),
  /** SHA-256 of the whole key, which is too random to be guessed from it. */
  hash: contentHash().notNull(),
  createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
})

/** Orders to draw something that have ended, and what came of them. */
export const generations = pgTable(
  'generations',
  {
    id: text().primaryKey(),
    /** SHA-256 of all that decides the pictures: what is drawn, settings, pipeline and judge. */
    requestHash: contentHash().notNull(),
    state: text({ enum: ['done', 'failed', 'cancelled'] }).notNull(),
    /** As it was asked. */
    request: jsonb().notNull(),
    /** What was tried and what it scored, neighbours and times; or what it failed with. */
    outcome: jsonb().notNull(),
    /** The picture that was kept. It may be forgotten since, so nothing refers to it. */
    picture: contentHash(),
    createdAt: timestamp({ withTimezone: true }).notNull(),
    endedAt: timestamp({ withTimezone: true }).notNull(),
  },
  (table) => [index('generations_request').on(table.requestHash)],
)

/** A picture that is one, or that is not. */
export interface ConceptExample {
  readonly content: ContentHash
  readonly positive: boolean
  /** A small WebP in base64 of a picture that was not indexed; null for one that was. */
  readonly picture: string | null
}

/** Concepts that people teach. The examples are the truth; all else follows from them. */
export const concepts = pgTable('concepts', {
  name: text().primaryKey(),
  /** Words for it, where some were given. */
  words: text(),
  examples: jsonb().$type<readonly ConceptExample[]>().notNull(),
  /** What the head was fitted to; one of another recipe is fitted anew before it is used. */
  model: text().notNull(),
  recipe: text().notNull(),
  weights: float32Numbers().notNull(),
  bias: doublePrecision().notNull(),
  separation: doublePrecision().notNull(),
  /** Null where there is one example only. */
  averagePrecision: doublePrecision(),
  auc: doublePrecision(),
  createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
  taughtAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
})

/** Pages that are signed in, for all servers of one database. */
export const sessions = pgTable('sessions', {
  /** SHA-256 of the cookie's token, which is kept nowhere. */
  token: contentHash().primaryKey(),
  /** The key that it was opened with; a key that is revoked takes its sessions with it. */
  key: text()
    .notNull()
    .references(() => apiKeys.id, { onDelete: 'cascade' }),
  usedAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
})

/** What clients of several servers have left of their requests a minute. */
export const rateLimits = pgTable('rate_limits', {
  /** The limit's name, and a key's id or an address. */
  client: text().primaryKey(),
  /** What the server that asked last was given. */
  tokens: doublePrecision().notNull(),
  /** When the bucket is full again. */
  at: timestamp({ withTimezone: true }).notNull().defaultNow(),
})

/** Work that is shared by several processes: what was ordered, and how it stands. */
export const jobs = pgTable(
  'jobs',
  {
    id: text().primaryKey(),
    kind: text({ enum: ['index', 'generate'] }).notNull(),
    state: text({ enum: ['queued', 'running', 'done', 'failed', 'cancelled'] })
      .notNull()
      .default('queued'),
    /** What is to be done; enough for any worker to do it. */
    order: jsonb().notNull(),
    /** What is known of it so far. */
    facts: jsonb().notNull(),
    /** What it failed with: a code and a message. */
    error: jsonb().$type<{ readonly code: string; readonly message: string }>(),
    /** The process that does it, or did. */
    worker: text(),
    /** How often it was begun. */
    attempts: smallint().notNull().default(0),
    /** Whether somebody wants it to end. */
    stopping: boolean().notNull().default(false),
    createdAt: timestamp({ withTimezone: true }).notNull().defaultNow(),
    startedAt: timestamp({ withTimezone: true }),
    endedAt: timestamp({ withTimezone: true }),
  },
  (table) => [index('jobs_kind_created').on(table.kind, table.createdAt)],
)

/** What has happened in a job, for those who follow it from another process. */
export const jobEvents = pgTable(
  'job_events',
  {
    job: text()
      .notNull()
      .references(() => jobs.id, { onDelete: 'cascade' }),
    /** From 1, in order. */
    number: integer().notNull(),
    event: jsonb().notNull(),
  },
  (table) => [primaryKey({ columns: [table.job, table.number] })],
)

/** What was drawn for an order, for as long as there is room for it. */
export const candidates = pgTable(
  'candidates',
  {
    job: text()
      .notNull()
      .references(() => jobs.id, { onDelete: 'cascade' }),
    /** From 0, the best. */
    rank: smallint().notNull(),
    facts: jsonb().notNull(),
    png: bytes().notNull(),
  },
  (table) => [primaryKey({ columns: [table.job, table.rank] })],
)

/** Contents that a process is embedding now, so that no other does the same. */
export const claims = pgTable(
  'claims',
  {
    content: contentHash().notNull(),
    model: text().notNull(),
    holder: text().notNull(),
    /** When it counts as given up. */
    until: timestamp({ withTimezone: true }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.content, table.model] })],
)
