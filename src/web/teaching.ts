// Concepts on the page: which there are, and teaching one by the pictures that are opened.
import type { Concept } from '../api/concept-contract.ts'
import type { Client } from '../client/client.ts'
import { type Query, termsOf } from './query.ts'
import type { State, Store } from './store.ts'
import { formatWords, parseWords } from './words.ts'

/** What a picture is to a concept. */
export type Verdict = 'like' | 'unlike'

/** Keeps `concepts` up with the server. */
export interface Teaching {
  /** Reads which there are. */
  load(): Promise<void>
  /** Says of a picture whether it is one. Throws what the server says. */
  teach(name: string, id: string, verdict: Verdict): Promise<Concept>
}

export function createTeaching(store: Store, client: Client): Teaching {
  async function load(): Promise<void> {
    store.change({ concepts: (await client.concepts()).items })
  }
  return {
    load,
    async teach(name, id, verdict) {
      const body = { name, [verdict]: [{ id }] }
      const concept = await client.teachConcept({ body })
      await load()
      return concept
    },
  }
}

/** Whoever may write may teach. */
export function mayTeach({ session }: State): boolean {
  return session?.scope === 'write' || session?.scope === 'admin'
}

/** The words with the concept added, or without it where it is there. */
export function toggleConcept(words: string, name: string): string {
  const terms = parseWords(words)
  const text = `concept:${name}`
  const others = terms.filter((term) => term.text !== text)
  return formatWords(others.length < terms.length ? others : [...terms, { text, weight: 1 }])
}

/** Whether the concept is among what is looked for. */
export function isAsked(query: Query, name: string): boolean {
  return termsOf(query.words).some((term) => 'concept' in term && term.concept === name)
}

/** What was learned, for a person. */
export function worthText({ like, unlike, quality }: Concept): string {
  const told = `${like.length} like it, ${unlike.length} not`
  if (!quality) return `${told}. Show it another to learn how good it is.`
  const precision = Math.round(quality.averagePrecision * 100)
  return `${told}. Each left out in turn, it is found with an average precision of ${precision} %.`
}
