// Why a picture was found: which terms it was compared with, and what to say of the answer.
import type { ExplainResponse } from '../api/explain-contract.ts'
import type { Client } from '../client/client.ts'
import { isListing, isUpload, type Query, toRequest } from './query.ts'
import { findUpload } from './uploads.ts'
import { parseWords } from './words.ts'

/** Whether there is anything to explain. */
export function canExplain(query: Query): boolean {
  return !isListing(query)
}

/** Asks why a picture fits the question. */
export function explainPicture(client: Client, id: string, query: Query): Promise<ExplainResponse> {
  const { terms = [] } = toRequest(query, (key) => findUpload(key)?.base64)
  return client.explain({ body: { image: { id }, terms } })
}

/** What the terms are called, in the order of the request. */
export function namesOfTerms({ words, pictures }: Query): string[] {
  const shown = pictures.filter(({ key }) => !isUpload(key) || findUpload(key) !== undefined)
  return [
    ...parseWords(words).map(({ text }) => `“${text}”`),
    ...shown.map((_, i) => (shown.length === 1 ? 'the picture' : `picture ${i + 1}`)),
  ]
}
