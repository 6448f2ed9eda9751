// Opens the files of an embedded database that exists, and tells damage from what only keeps a sound
// one from being used.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { LucidaError, messageOf } from '../core/errors.ts'
import { checkDatabase } from './check.ts'

/** Postgres's major version in this PGlite; a directory of another cannot be opened. */
const POSTGRES = '18'
/** Bounds the memory; the default of 128 MB costs more to fill than the system's own cache. */
const SHARED_BUFFERS = '32MB'

/** Brings a database up to date. */
export type Prepare<T> = (client: PGlite) => Promise<T>

/** The database cannot be used as it is. */
export class Damage extends Error {}

/** Opens one that exists. Throws `Damage`, or what keeps a sound one from being used. */
export async function openFiles<T>(path: string, prepare: Prepare<T>, check: boolean) {
  await refuseOtherVersion(path)
  let client: PGlite
  try {
    const startParams = [...PGlite.defaultStartParams, '-c', `shared_buffers=${SHARED_BUFFERS}`]
    client = await PGlite.create(path, { startParams })
  } catch (error) {
    // Too little memory for WebAssembly.
    if (error instanceof RangeError) throw error
    throw new Damage(`it does not open (${messageOf(error)})`, { cause: error })
  }
  try {
    const prepared = await prepare(client)
    const fault = check ? await checkDatabase(client) : null
    if (fault) throw new Damage(fault)
    return { client, prepared }
  } catch (error) {
    const explained = error instanceof LucidaError || error instanceof Damage
    const fault = explained ? null : await checkDatabase(client)
    await client.close().catch(() => {})
    // A migration that fails in a sound database is no reason to replace it.
    throw fault ? new Damage(fault, { cause: error }) : error
  }
}

/** PGlite would make a new database over one that lacks PG_VERSION. */
async function refuseOtherVersion(path: string): Promise<void> {
  const text = await readFile(join(path, 'PG_VERSION'), 'utf8').catch(() => '')
  const version = text.trim()
  if (!/^\d+$/.test(version)) throw new Damage('it lacks PG_VERSION')
  if (version !== POSTGRES) {
    throw new LucidaError(
      'database_unavailable',
      `${path} was made with PostgreSQL ${version}, but this version of Lucida uses ${POSTGRES}`,
    )
  }
}
