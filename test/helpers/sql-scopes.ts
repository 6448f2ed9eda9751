// Takes SQL apart as far as the rules of a cluster need it: words, parentheses, which tables a select
// names and which columns it sets equal. No grammar: what the program writes is enough.

/** A word, a number, a text, an operator; or what stands between parentheses. */
export type Piece = string | readonly Piece[]

const TOKEN =
  /'(?:[^']|'')*'|\$\$[\s\S]*?\$\$|--[^\n]*|"(?:[^"]|"")*"|[A-Za-z_]\w*|\$\d+|\d+(?:\.\d+)?|::|<[#=~]?>|[<>!]=|\S/g

/** Names lose their quotes, unquoted words their capitals. */
export function parse(text: string): Piece[] {
  const stack: Piece[][] = [[]]
  for (const [token] of text.matchAll(TOKEN)) {
    if (token.startsWith('--')) continue
    if (token === '(') stack.push([])
    else if (token === ')') {
      const group = stack.pop()!
      stack.at(-1)?.push(group)
    } else stack.at(-1)!.push(token.startsWith('"') ? token.slice(1, -1) : token.toLowerCase())
  }
  if (stack.length !== 1) throw new Error(`Unbalanced parentheses in ${text}`)
  return stack[0]!
}

export function isGroup(piece: Piece | undefined): piece is readonly Piece[] {
  return Array.isArray(piece)
}

/** Whether what stands between parentheses is a query. */
export function isQuery(piece: Piece | undefined): piece is readonly Piece[] {
  return isGroup(piece) && (piece[0] === 'select' || piece[0] === 'with')
}

/** The pieces between words that are outside of parentheses, each with the word before it. */
export function clauses(
  pieces: readonly Piece[],
  words: ReadonlySet<string>,
): { readonly word: string; readonly pieces: Piece[] }[] {
  const found: { word: string; pieces: Piece[] }[] = [{ word: '', pieces: [] }]
  for (const piece of pieces) {
    if (typeof piece === 'string' && words.has(piece)) found.push({ word: piece, pieces: [] })
    else found.at(-1)!.pieces.push(piece)
  }
  return found
}

/** A table, or a query in its place, and the name by which its columns are called. */
export interface Source {
  readonly alias: string
  readonly table: string | null
  readonly query: readonly Piece[] | null
}

const JOINS = new Set(['join', ',', 'on'])
const KINDS = new Set(['inner', 'left', 'right', 'full', 'outer', 'cross', 'lateral', 'only'])

/** What a `from` names, and the conditions of its joins. */
export function sourcesOf(from: readonly Piece[]): { sources: Source[]; conditions: Piece[][] } {
  const [sources, conditions]: [Source[], Piece[][]] = [[], []]
  for (const { word, pieces } of clauses(from, JOINS)) {
    if (word === 'on') {
      conditions.push(pieces.filter((piece) => !(typeof piece === 'string' && KINDS.has(piece))))
      continue
    }
    const item = pieces.filter((piece) => !(typeof piece === 'string' && KINDS.has(piece)))
    const [first, ...rest] = item
    if (first === undefined) continue
    if (isGroup(first)) {
      if (!isQuery(first)) {
        const inner = sourcesOf(first)
        sources.push(...inner.sources)
        conditions.push(...inner.conditions)
      } else sources.push({ alias: aliasOf(rest) ?? '', table: null, query: first })
      continue
    }
    // schema.table
    const name = rest[0] === '.' ? String(rest[1]) : first
    const after = rest[0] === '.' ? rest.slice(2) : rest
    // A function has its arguments next.
    const isFunction = isGroup(after[0])
    const alias = aliasOf(isFunction ? after.slice(1) : after) ?? name
    sources.push({ alias, table: isFunction ? null : name, query: null })
  }
  return { sources, conditions }
}

function aliasOf(pieces: readonly Piece[]): string | undefined {
  const [first, second] = pieces
  const alias = first === 'as' ? second : first
  return typeof alias === 'string' ? alias : undefined
}

/** `alias.column`, or a column alone. */
export interface Column {
  readonly alias: string | null
  readonly name: string
}

/** Columns that a condition requires to be equal; what is under an `or` or a `not` does not count. */
export function equalities(condition: readonly Piece[]): [Column, Column][] {
  if (condition.includes('or')) return []
  const found: [Column, Column][] = []
  for (const [i, piece] of condition.entries()) {
    if (isGroup(piece) && !isQuery(piece) && condition[i - 1] !== 'not') {
      // Not the arguments of a function.
      const before = condition[i - 1]
      if (before === undefined || before === 'and' || isGroup(before)) {
        found.push(...equalities(piece))
      }
    }
    if (piece === '=') {
      const [left, right] = [columnBefore(condition, i), columnAfter(condition, i)]
      if (left && right) found.push([left, right])
    }
  }
  return found
}

const WORD = /^[a-z_]\w*$/i

function columnBefore(pieces: readonly Piece[], at: number): Column | null {
  const name = pieces[at - 1]
  if (typeof name !== 'string' || !WORD.test(name)) return null
  const alias = pieces[at - 2] === '.' ? pieces[at - 3] : null
  return typeof alias === 'string' || alias === null ? { alias, name } : null
}

function columnAfter(pieces: readonly Piece[], at: number): Column | null {
  const first = pieces[at + 1]
  if (typeof first !== 'string' || !WORD.test(first)) return null
  if (pieces[at + 2] !== '.') return isGroup(pieces[at + 2]) ? null : { alias: null, name: first }
  const name = pieces[at + 3]
  return typeof name === 'string' ? { alias: first, name } : null
}

/** All queries directly inside: between parentheses, but not inside another query. */
export function queriesIn(pieces: readonly Piece[]): (readonly Piece[])[] {
  return pieces.flatMap((piece) => {
    if (isQuery(piece)) return [piece]
    return isGroup(piece) ? queriesIn(piece) : []
  })
}

/** Names before a dot, in queries inside too. */
export function aliasesIn(pieces: readonly Piece[]): Set<string> {
  const found = new Set<string>()
  for (const [i, piece] of pieces.entries()) {
    if (isGroup(piece)) for (const alias of aliasesIn(piece)) found.add(alias)
    else if (pieces[i + 1] === '.') found.add(piece)
  }
  return found
}
