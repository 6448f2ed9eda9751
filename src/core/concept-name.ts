// Names of concepts that people teach, and how a term, a label or a filter refers to one:
// `concept:red mug`.
import { invalidInput } from './errors.ts'

/** Letters, digits, spaces, - and _: nothing that separates terms, labels or thresholds. */
export const CONCEPT_NAME = /^[\p{L}\p{N}_](?:[\p{L}\p{N} _-]{0,62}[\p{L}\p{N}_-])?$/u

const PREFIX = 'concept:'

/** The name in `concept:NAME`; null for any other text. */
export function conceptOf(text: string): string | null {
  return text.startsWith(PREFIX) ? text.slice(PREFIX.length).trim() : null
}

/** Throws `bad_input`. */
export function requireConceptName(name: string): string {
  if (CONCEPT_NAME.test(name)) return name
  throw invalidInput('name', '1 to 64 letters, digits, spaces, - or _', name)
}

/** A concept and a probability: `NAME` or `NAME:0.8`; null where it is neither. */
export function parseConceptFilter(text: string): { name: string; atLeast?: number } | null {
  const [, name = '', atLeast] = /^([^:]+)(?::(\d?\.?\d+))?$/.exec(text.trim()) ?? []
  if (!CONCEPT_NAME.test(name)) return null
  if (atLeast === undefined) return { name }
  return Number(atLeast) <= 1 ? { name, atLeast: Number(atLeast) } : null
}
