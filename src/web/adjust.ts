// Taking an attribute out of the question, or balancing the results by it: how the address says so,
// what is asked of the server, and what the answer is called.
import type { SearchResponse } from '../api/contract.ts'

/** `balance:gender`, `debias:gender`. */
export type Adjustment = string

const PATTERN = /^(balance|debias):([a-z0-9][a-z0-9-]*)$/

/** What an address says; nothing where it says something else. */
export function readAdjustment(text: string | null): { readonly adjustment?: Adjustment } {
  return text !== null && PATTERN.test(text) ? { adjustment: text } : {}
}

/** The fields of the request. */
export function toFields(adjustment: Adjustment | undefined): {
  readonly balance?: string
  readonly debias?: string
} {
  const [, how, attribute] = PATTERN.exec(adjustment ?? '') ?? []
  if (attribute === undefined) return {}
  return how === 'balance' ? { balance: attribute } : { debias: attribute }
}

/** What was done, in a few words; empty where nothing was asked for. */
export function adjustedText(adjusted: SearchResponse['adjusted']): string {
  const { debias, balance } = adjusted ?? {}
  const parts = []
  if (debias) {
    const { attribute, leftAsItIs } = debias
    if (leftAsItIs === null) parts.push(`${attribute} taken out of the question`)
    else if (leftAsItIs === 'asks_for_it') parts.push(`not debiased: you ask for ${attribute}`)
    else parts.push('not debiased: only words are')
  }
  if (balance) {
    const { attribute, leftAsItIs, window } = balance
    if (leftAsItIs === null) parts.push(`the best ${window} balanced by ${attribute}`)
    else parts.push(`not balanced: you ask for ${attribute}`)
  }
  return parts.join(' · ')
}
