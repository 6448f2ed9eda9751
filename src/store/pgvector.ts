// Whether the database has pgvector, the extension for vectors, and what to do where it has not.
import { sql } from 'drizzle-orm'
import { LucidaError, messageOf } from '../core/errors.ts'
import { type Database, rows } from './database.ts'

/** The first with iterative scans, without which a filter leaves too few results. */
const MIN_VERSION = [0, 8] as const

/** Makes sure of the extension. Throws `database_unavailable` with the remedy. */
export async function requirePgvector(db: Database): Promise<void> {
  const found = await rows<{ major: number; available: string | null; installed: string | null }>(
    db,
    sql`select current_setting('server_version_num')::int / 10000 as major,
      (select default_version from pg_available_extensions where name = 'vector') as available,
      (select extversion from pg_extension where extname = 'vector') as installed`,
  )
  const { major, available, installed } = found[0]!
  if (!installed && !available) {
    throw refused(
      'it is not installed on the server; install it there (on Debian and Ubuntu the package ' +
        `postgresql-${major}-pgvector, in Docker the image pgvector/pgvector)`,
    )
  }
  if (!isRecent(installed ?? available!)) {
    throw refused(
      `Lucida needs version ${MIN_VERSION.join('.')} of it and found ${installed ?? available}; ` +
        'update it on the server, then run ALTER EXTENSION vector UPDATE in the database',
    )
  }
  if (installed) return
  try {
    await db.execute(sql`create extension if not exists vector`)
  } catch (cause) {
    const reason = cause instanceof Error && cause.cause ? cause.cause : cause
    throw refused(
      `it could not be enabled (${messageOf(reason)}); ` +
        'have somebody who may run CREATE EXTENSION vector in the database',
      cause,
    )
  }
}

function refused(reason: string, cause?: unknown): LucidaError {
  const message = `Vectors in Postgres need the extension pgvector, but ${reason}; or set VECTOR_INDEX to auto`
  return new LucidaError('database_unavailable', message, { cause })
}

function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > MIN_VERSION[0] || (major === MIN_VERSION[0] && minor >= MIN_VERSION[1])
}
