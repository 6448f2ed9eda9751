// Everything that a Lucida answers about its collection, in a form that two of them can be compared by.
import type { Lucida } from '../../src/lucida.ts'

/** What to ask beside what is asked of every collection. */
export interface Questions {
  readonly texts: readonly string[]
  /** Orders to draw that have ended. */
  readonly generations?: readonly string[]
  /** API keys. */
  readonly keys?: readonly string[]
  /** Folders as they are called in both. */
  readonly rename?: readonly (readonly [from: string, to: string])[]
}

/** The answers, by what was asked; times that a search took are left out. */
export async function answersOf(
  lucida: Lucida,
  { texts, generations = [], keys = [], rename = [] }: Questions,
): Promise<Readonly<Record<string, string>>> {
  const answers: Record<string, unknown> = {}
  const limit = 50
  const named = (text: string) =>
    rename.reduce((so, [from, to]) => so.replaceAll(JSON.stringify(from).slice(1, -1), to), text)

  const { results } = await lucida.list({ limit })
  answers.list = results
  for (const text of texts) {
    answers[`search ${text}`] = (await lucida.search([{ text }], { limit })).results
    answers[`search ${text}, filtered`] = (
      await lucida.search([{ text }], { limit, filter: { format: ['png'], orientation: 'square' } })
    ).results
  }
  const [first] = results
  if (first) answers.similar = (await lucida.similar({ id: first.id }, { limit })).results
  answers.facets = await lucida.facets()
  const concepts = await lucida.concepts.list()
  answers.concepts = concepts
  for (const { name } of concepts) {
    answers[`concept ${name}`] = (await lucida.search([{ concept: name }], { limit })).results
  }
  answers.keys = await lucida.keys.list()
  const { database: _, dataDir: __, roots, ...status } = await lucida.status()
  answers.status = status
  // They are ordered by names that may differ.
  const byName = roots.map((root) => named(JSON.stringify(root))).sort()
  answers.roots = byName.map((root) => JSON.parse(root) as unknown)
  answers.failures = await lucida.failures()
  for (const id of generations) answers[`generation ${id}`] = await lucida.generation(id)
  const ring = await lucida.keys.load()
  answers['those keys'] = keys.map((key) => ring.verify(key))
  return Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [name, named(JSON.stringify(answer))]),
  )
}
