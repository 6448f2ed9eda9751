// What the user has chosen, noted beside the embedded database: a repair finds an older snapshot, or none.
import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import type { PGlite } from '@electric-sql/pglite'
import { readCheckedJson, writeCheckedJson } from '../core/checked-file.ts'
import { type Place, PRIVATE } from './embedded-files.ts'

/** What the user has chosen, and no file could tell. */
interface Choices {
  readonly roots: readonly {
    readonly path: string
    readonly exclude: readonly string[]
    readonly drawn: boolean
  }[]
  readonly serving: {
    readonly model: string
    readonly recipe: string
    readonly previousModel: string | null
  } | null
  /** None where an earlier version has noted them. */
  readonly keys?: readonly {
    readonly id: string
    readonly name: string
    readonly scope: string
    readonly hash: string
    readonly createdAt: string
  }[]
}

async function choicesIn(client: PGlite): Promise<Choices> {
  const { rows: roots } = await client.query<Choices['roots'][number]>(
    'select path, exclude, drawn from roots order by path',
  )
  const { rows } = await client.query<NonNullable<Choices['serving']>>(
    'select model, recipe, previous_model as "previousModel" from serving',
  )
  const { rows: keys } = await client.query<NonNullable<Choices['keys']>[number]>(
    `select id, name, scope, encode(hash, 'hex') as hash, created_at::text as "createdAt"
     from api_keys order by id`,
  )
  return { roots, serving: rows[0] ?? null, keys }
}

export async function noteChoices(client: PGlite, place: Place): Promise<void> {
  await writeCheckedJson(place.roots, await choicesIn(client), PRIVATE)
}

export async function notesDiffer(client: PGlite, place: Place): Promise<boolean> {
  const noted = (await readNotes(place)) ?? { roots: [], serving: null, keys: [] }
  return !isDeepStrictEqual(noted, await choicesIn(client))
}

export async function refreshNotes(client: PGlite, place: Place): Promise<void> {
  if (await notesDiffer(client, place)) await noteChoices(client, place)
}

/** Null where nothing is noted, or what is noted is spoilt. */
export async function readNotes(place: Place): Promise<Choices | null> {
  const noted = (await readCheckedJson(place.roots)) ?? (await readEarlierNotes(place))
  return noted as Choices | null
}

/** Version 0.1.0 noted the folders only, without a checksum. */
async function readEarlierNotes(place: Place): Promise<Choices | null> {
  try {
    const { roots, checksum } = JSON.parse(await readFile(place.roots, 'utf8'))
    if (checksum !== undefined) return null
    return { roots: roots.map((root: object) => ({ drawn: false, ...root })), serving: null }
  } catch {
    return null
  }
}
