// Words that are not drawn. They are compared as whole words, in any case, with accents, widths and
// invisible signs taken away; there is no pattern language that could be got wrong.
import { CLEANINGS } from '../models/text-cleaning.ts'

/** An entry: words that must follow each other; the last may end in * for any continuation. */
type Blocked = readonly string[]

/** The first entry that a text contains, or nothing; also as a tokenizer may clean it before it reads. */
export function findBlocked(text: string, entries: readonly string[]): string | undefined {
  const readings = [text, CLEANINGS.whitespace(text)].map(wordsOf)
  return entries.find((entry) => readings.some((words) => contains(words, blockedOf(entry))))
}

function blockedOf(entry: string): Blocked {
  const isOpen = entry.trim().endsWith('*')
  const words = wordsOf(entry)
  return isOpen ? [...words.slice(0, -1), `${words.at(-1) ?? ''}*`] : words
}

function contains(words: readonly string[], blocked: Blocked): boolean {
  if (blocked.length === 0 || blocked[0] === '*') return false
  return words.some((_, at) =>
    blocked.every((part, i) => {
      const word = words[at + i]
      if (word === undefined) return false
      return part.endsWith('*') ? word.startsWith(part.slice(0, -1)) : word === part
    }),
  )
}

/** `Ｎüde\u200B FIGURES!` → `nude`, `figures`. */
function wordsOf(text: string): string[] {
  const folded = text.normalize('NFKD').replaceAll(/[\p{M}\p{Cf}]/gu, '')
  return folded.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
}
