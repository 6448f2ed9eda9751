// Concepts of the server that has the data directory open.
import type { Concept as ApiConcept } from '../api/concept-contract.ts'
import type { PictureSource } from '../api/contract.ts'
import type { Client } from '../client/client.ts'
import { LucidaError } from '../core/errors.ts'
import type { Concept, Concepts, SearchTerm } from '../lucida.ts'
import { toTerm, translated } from './remote-terms.ts'

/** The part of them that commands ask for. */
export function remoteConcepts(
  client: Client,
): Pick<Concepts, 'teach' | 'list' | 'find' | 'forget'> {
  return {
    async teach(name, { like = [], unlike = [], text, anew = false }) {
      const body = { name, like: like.map(toSource), unlike: unlike.map(toSource), text, anew }
      return toConcept(await translated(client.teachConcept({ body })))
    },
    list: async () => (await translated(client.concepts())).items.map(toConcept),
    find: async (name) => toConcept(await translated(client.concept({ params: { name } }))),
    forget: (name) => translated(client.forgetConcept({ params: { name } })),
  }
}

function toConcept({ createdAt, taughtAt, ...concept }: ApiConcept): Concept {
  return { ...concept, createdAt: new Date(createdAt), taughtAt: new Date(taughtAt) }
}

function toSource(term: SearchTerm): PictureSource {
  const source = toTerm(term)
  if ('id' in source || 'image' in source || 'url' in source || 'path' in source) return source
  throw new LucidaError('bad_input', 'Expected a picture to learn from, not a text or a vector')
}
