// The rules that every statement obeys so that a Citus cluster can run it (src/store/placement.ts), as a
// check of its text. Citus itself is not at hand where the tests run; what it refused was put right once,
// by hand, and this keeps it so.
import { getTableName } from 'drizzle-orm'
import {
  DISTRIBUTED,
  ON_COORDINATOR,
  REFERENCE,
  VECTOR_TABLE_COLUMN,
} from '../../src/store/placement.ts'
import {
  aliasesIn,
  clauses,
  type Column,
  equalities,
  isGroup,
  isQuery,
  parse,
  type Piece,
  queriesIn,
  type Source,
  sourcesOf,
} from './sql-scopes.ts'

/** What is asked of statements. */
export type Rule =
  | 'the distribution column is in every key'
  | 'foreign keys lead to colocated or reference tables'
  | 'joins are on the distribution column'
  | 'conflict targets contain the distribution column'

export interface Violation {
  readonly rule: Rule
  readonly detail: string
}

const distribution = new Map(DISTRIBUTED.map(({ table, name }) => [getTableName(table), name]))
const reference = new Set(REFERENCE.map((table) => getTableName(table)))
const onCoordinator = new Set(ON_COORDINATOR.map((table) => getTableName(table)))

/** Tables of vectors are named for their model. */
function columnOf(table: string): string | undefined {
  return distribution.get(table) ?? (table.startsWith('vectors_') ? VECTOR_TABLE_COLUMN : undefined)
}

/** What is wrong with the text of a statement, or of several. */
export function violations(text: string): Violation[] {
  return clauses(parse(text), new Set([';'])).flatMap(({ pieces }) => [
    ...wrongKeys(pieces),
    ...wrongForeignKeys(pieces),
    ...wrongConflicts(pieces),
    ...wrongJoins(pieces),
  ])
}

/** `create table t (…)`, `alter table t …`, `create unique index … on t …`: the table and what follows. */
function definition(pieces: readonly Piece[]): { table: string; rest: readonly Piece[] } | null {
  const isIndex = pieces[0] === 'create' && pieces.includes('index')
  if (isIndex && pieces[1] !== 'unique') return null
  if (!isIndex && pieces[1] !== 'table') return null
  let at = isIndex ? pieces.indexOf('on') + 1 : 2
  while (['if', 'not', 'exists', 'only'].includes(String(pieces[at]))) at++
  if (pieces[at + 1] === '.') at += 2
  return { table: String(pieces[at]), rest: pieces.slice(at + 1) }
}

function wrongKeys(pieces: readonly Piece[]): Violation[] {
  const defined = definition(pieces)
  if (!defined) return []
  const column = columnOf(defined.table)
  if (column === undefined) return []
  const keys: string[][] = []
  const isIndex = pieces.includes('index')
  if (isIndex) keys.push(names(defined.rest.findLast((piece) => isGroup(piece))))
  const items = defined.rest.flatMap((piece) =>
    isGroup(piece) ? clauses(piece, new Set([','])).map((item) => item.pieces) : [],
  )
  for (const item of isIndex ? [] : [...items, defined.rest]) {
    for (const [i, piece] of item.entries()) {
      if (piece !== 'unique' && !(piece === 'primary' && item[i + 1] === 'key')) continue
      const group = item.slice(i, i + 3).find((next) => isGroup(next))
      // Beside a column, without names of its own.
      keys.push(group ? names(group) : [String(item[0])])
    }
  }
  return keys
    .filter((key) => !key.includes(column))
    .map((key) => ({
      rule: 'the distribution column is in every key',
      detail: `${defined.table} has the key (${key.join(', ')}) without ${column}`,
    }))
}

function wrongForeignKeys(pieces: readonly Piece[]): Violation[] {
  const defined = definition(pieces)
  if (!defined) return []
  const { table } = defined
  const flat = defined.rest.flatMap((piece) =>
    isGroup(piece) && piece.includes('references')
      ? clauses(piece, new Set([','])).map((item) => item.pieces)
      : [],
  )
  return [defined.rest, ...flat].flatMap((item): Violation[] => {
    const at = item.indexOf('references')
    if (at < 0) return []
    const nameAt = item[at + 2] === '.' ? at + 3 : at + 1
    const to = String(item[nameAt])
    const toColumns = names(item[nameAt + 1])
    const key = item.indexOf('foreign')
    const fromColumns = key >= 0 ? names(item[key + 2]) : [String(item[0])]
    const [from, target] = [columnOf(table), columnOf(to)]
    const isColocated =
      from !== undefined &&
      target !== undefined &&
      fromColumns.indexOf(from) >= 0 &&
      fromColumns.indexOf(from) === toColumns.indexOf(target)
    const isLocal = from === undefined && target === undefined && !reference.has(table)
    if (isColocated || reference.has(to) || isLocal) return []
    return [
      {
        rule: 'foreign keys lead to colocated or reference tables',
        detail: `${table} (${fromColumns.join(', ')}) refers to ${to} (${toColumns.join(', ')})`,
      },
    ]
  })
}

function wrongConflicts(pieces: readonly Piece[]): Violation[] {
  const into = pieces.indexOf('into')
  const conflict = pieces.findIndex((piece, i) => piece === 'on' && pieces[i + 1] === 'conflict')
  if (into < 0 || conflict < 0) return []
  const table = String(pieces[into + 2] === '.' ? pieces[into + 3] : pieces[into + 1])
  const column = columnOf(table)
  if (column === undefined) return []
  const target = pieces[conflict + 2]
  // Without a target any key counts, and all of them have the column.
  if (target === 'do' || names(target).includes(column)) return []
  const shown = isGroup(target) ? `(${names(target).join(', ')})` : String(target)
  const detail = `${table} is written on conflict ${shown}, without ${column}`
  return [{ rule: 'conflict targets contain the distribution column', detail }]
}

function names(piece: Piece | undefined): string[] {
  return isGroup(piece)
    ? (piece.filter((name) => typeof name === 'string' && name !== ',') as string[])
    : []
}

/** A distributed table, or a query over one, where it is named. */
interface Place {
  readonly alias: string
  /** Its distribution column; of a query, any column that has the name of one. */
  readonly columns: ReadonlySet<string>
  readonly shown: string
}

/** What a query selects from: of distributed tables, and beside tables of the coordinator. */
interface Scope {
  readonly places: readonly Place[]
  readonly apart: readonly { readonly alias: string; readonly shown: string }[]
}

const ARMS = new Set(['union', 'intersect', 'except'])
const PARTS = new Set(
  'from where group having order limit offset for window returning using set values'.split(' '),
)

function wrongJoins(statement: readonly Piece[]): Violation[] {
  const found: Violation[] = []
  if (!['select', 'with', 'insert', 'update', 'delete', 'explain'].includes(String(statement[0]))) {
    return found
  }
  const groups = new Groups<Place>()
  check(statement, [])
  return found

  function check(pieces: readonly Piece[], outer: readonly Scope[]): void {
    for (const { pieces: arm } of clauses(pieces, ARMS)) checkArm(arm, outer)
  }

  function checkArm(arm: readonly Piece[], outer: readonly Scope[]): void {
    const parts = clauses(arm, PARTS)
    const froms = parts.filter(({ word }) => word === 'from' || word === 'using')
    const { sources, conditions } = join(froms.map(({ pieces }) => sourcesOf(pieces)))
    const target = targetOf(arm)
    if (target) sources.unshift(target)
    const scope = sources.flatMap((source) => placesOf(source))
    const away = sources.find(({ table }) => table !== null && onCoordinator.has(table))
    const apart = away ? sources.map(({ alias }) => ({ alias, shown: away.table! })) : []
    const scopes: Scope[] = [{ places: scope, apart }, ...outer]
    conditions.push(...parts.filter(({ word }) => word === 'where').map(({ pieces }) => pieces))
    for (const condition of conditions) {
      for (const [left, right] of equalities(condition)) {
        const [a, b] = [resolve(left, scopes), resolve(right, scopes)]
        if (a && b) groups.join(a, b)
      }
    }
    for (const inside of queriesIn(arm)) check(inside, scopes)
    for (const place of scope) {
      if (!groups.isJoined(place, scope[0]!)) report(scope[0]!, place)
    }
    // A query inside another that looks at its rows is joined with them.
    const named = aliasesIn(arm)
    const isOutside = ({ alias }: { alias: string }) =>
      named.has(alias) && !sources.some((own) => own.alias === alias)
    const above = outer.flatMap(({ places }) => places).filter(isOutside)
    if (scope[0] && above[0] && !above.some((place) => groups.isJoined(place, scope[0]!))) {
      report(above[0], scope[0])
    }
    // Such queries within others Citus refuses, where it would copy the table for a plain join.
    if (away && above[0]) report(above[0], { shown: away.table! })
    const beside = outer.flatMap(({ apart: all }) => all).find(isOutside)
    if (scope[0] && beside) report(beside, scope[0])
  }

  function report(one: Pick<Place, 'shown'>, other: Pick<Place, 'shown'>): void {
    found.push({
      rule: 'joins are on the distribution column',
      detail: `${one.shown} and ${other.shown} are joined otherwise`,
    })
  }
}

function join(parts: readonly ReturnType<typeof sourcesOf>[]): ReturnType<typeof sourcesOf> {
  return {
    sources: parts.flatMap(({ sources }) => sources),
    conditions: parts.flatMap(({ conditions }) => conditions),
  }
}

/** The table that an update changes; that of a delete stands behind its `from`. */
function targetOf(arm: readonly Piece[]): Source | null {
  if (arm[0] !== 'update') return null
  const set = arm.indexOf('set')
  return sourcesOf(arm.slice(1, set)).sources[0] ?? null
}

function placesOf({ alias, table, query }: Source): Place[] {
  if (table !== null) {
    const column = columnOf(table)
    return column === undefined ? [] : [{ alias, columns: new Set([column]), shown: table }]
  }
  if (query === null || !readsDistributed(query)) return []
  const columns = new Set([...distribution.values(), VECTOR_TABLE_COLUMN])
  // One row has no column to be joined by.
  if (isOneRow(query)) return []
  return [{ alias, columns, shown: `the query ${alias}` }]
}

function readsDistributed(pieces: readonly Piece[]): boolean {
  return clauses(pieces, ARMS).some(({ pieces: arm }) =>
    clauses(arm, PARTS).some(({ word, pieces: part }) => {
      if (word === 'from') {
        const { sources } = sourcesOf(part)
        if (sources.some(({ table }) => table !== null && columnOf(table) !== undefined))
          return true
      }
      return part.some((piece) => isQuery(piece) && readsDistributed(piece))
    }),
  )
}

const AGGREGATES = new Set(['count', 'max', 'min', 'coalesce', 'sum'])

function isOneRow(query: readonly Piece[]): boolean {
  return AGGREGATES.has(String(query[1])) && !query.includes('group')
}

function resolve({ alias, name }: Column, scopes: readonly Scope[]): Place | undefined {
  for (const { places: scope } of scopes) {
    const fitting = scope.filter(
      (place) => (alias === null || place.alias === alias) && place.columns.has(name),
    )
    if (alias === null && fitting.length > 1) return undefined
    if (fitting[0]) return fitting[0]
    if (alias !== null && scope.some((place) => place.alias === alias)) return undefined
  }
  return undefined
}

/** Which are joined with which, by way of others too. */
class Groups<T> {
  readonly #parents = new Map<T, T>()

  join(a: T, b: T): void {
    this.#parents.set(this.#root(a), this.#root(b))
  }

  isJoined(a: T, b: T): boolean {
    return this.#root(a) === this.#root(b)
  }

  #root(item: T): T {
    let at = item
    for (
      let up = this.#parents.get(at);
      up !== undefined && up !== at;
      up = this.#parents.get(at)
    ) {
      at = up
    }
    return at
  }
}
