// What a collection answers, in a form that versions can be compared by: recorded with the dump of a
// release, and asked of the same database once the version of today has opened it.
import type { Lucida } from '../../src/lucida.ts'

const QUERIES = ['a red disc', 'stripes', 'the sea', 'a green triangle']

/** Answers of one kind each; scores to five digits, which inference repeats. */
export type Answers = Readonly<Record<string, unknown>>

/** Asks for pictures by text, by concept and by date, and for all that is counted and listed. */
export async function askAll(
  lucida: Pick<
    Lucida,
    'search' | 'list' | 'facets' | 'failures' | 'roots' | 'concepts' | 'keys' | 'generation'
  >,
): Promise<Answers> {
  const answers: Record<string, unknown> = {}
  const ranked = (found: Awaited<ReturnType<Lucida['search']>>) =>
    found.results.map(({ id, path, score }) => [id, path, score?.toFixed(5)])
  for (const text of QUERIES) answers[text] = ranked(await lucida.search([{ text }], { limit: 20 }))
  answers.concept = ranked(await lucida.search([{ concept: 'disc' }], { limit: 20 }))
  answers.list = (await lucida.list({ limit: 20 })).results.map(({ id, path }) => [id, path])
  answers.facets = await lucida.facets()
  answers.failures = await lucida.failures()
  answers.roots = (await lucida.roots()).map(({ path, exclude, pictures, missing, failures }) => ({
    path,
    exclude,
    pictures,
    missing,
    failures,
  }))
  answers.concepts = (await lucida.concepts.list()).map(({ name, like, unlike }) => ({
    name,
    like,
    unlike,
  }))
  answers.keys = (await lucida.keys.list()).map(({ name, scope }) => ({ name, scope }))
  const { id, state, outcome } = await lucida.generation('recorded')
  answers.generation = { id, state, outcome }
  return JSON.parse(JSON.stringify(answers)) as Answers
}
