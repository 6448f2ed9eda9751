// What is typed into the search box: words, `+` and `-`, the same little language as in the shell.

/** Words with their weight in the sum. */
export interface WordTerm {
  readonly text: string
  /** Negative weights subtract. */
  readonly weight: number
}

/** `a dog + 2:night - snow` → three terms. A sign that waits for its words is passed over. */
export function parseWords(words: string): WordTerm[] {
  const terms: WordTerm[] = []
  let sign: '+' | '-' | null = null
  let current: string[] = []
  const finish = () => {
    const text = current.join(' ')
    current = []
    if (text !== '') terms.push(sign ? weighTerm(sign, text) : { text, weight: 1 })
  }
  for (const word of words.split(/\s+/)) {
    if (word === '+' || word === '-') {
      finish()
      sign = word
    } else if (word !== '') {
      current.push(word)
    }
  }
  finish()
  return terms
}

function weighTerm(sign: '+' | '-', text: string): WordTerm {
  const [prefix, number] = /^(\d+(?:\.\d+)?|\.\d+):(?=.)/.exec(text) ?? []
  // What the server would refuse is taken as a word.
  const weight = Number(number)
  const isWeight = prefix !== undefined && weight > 0 && weight <= 100
  const size = isWeight ? weight : 1
  return {
    text: isWeight ? text.slice(prefix.length) : text,
    weight: sign === '+' ? size : -size,
  }
}

/** The other way round. */
export function formatWords(terms: readonly WordTerm[]): string {
  return terms
    .map(({ text, weight }, i) => {
      const sign = weight < 0 ? '- ' : i > 0 || weight !== 1 ? '+ ' : ''
      const size = Math.abs(weight) === 1 ? '' : `${Math.abs(weight)}:`
      return `${sign}${size}${text}`
    })
    .join(' ')
}
