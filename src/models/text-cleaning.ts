// How a text is cleaned before it is cut into tokens, where tokenizer.json leaves that to its caller.
// The rules are those of the programs that the models were trained with: OpenAI's CLIP and open_clip
// (tokenizer.py: `basic_clean`, `whitespace_clean`, `canonicalize_text`, which call ftfy and
// html.unescape), and transformers' SiglipTokenizer.
import { unescapeHtml, unescapeWhole, windowsCharacter } from './html-entities.ts'

/** What is done to a text, by open_clip's names where it is open_clip's. */
export type Cleaning =
  | 'none'
  /** Small letters. */
  | 'small'
  /** transformers' SigLIP: no punctuation, and of `siglip`, small letters. */
  | 'siglip'
  | 'siglip-cased'
  /** open_clip's: typography and HTML undone, blanks joined; of `lower`, small letters. */
  | 'whitespace'
  | 'lower'
  /** The same, small letters and no punctuation. */
  | 'canonicalize'

export const CLEANINGS: Readonly<Record<Cleaning, (text: string) => string>> = {
  none: (text) => text,
  small: (text) => text.toLowerCase(),
  siglip: (text) => joinBlanks(text.toLowerCase().replaceAll(PUNCTUATION, '')),
  'siglip-cased': (text) => joinBlanks(text.replaceAll(PUNCTUATION, '')),
  whitespace: (text) => joinBlanks(basicClean(text)),
  lower: (text) => joinBlanks(basicClean(text)).toLowerCase(),
  canonicalize: (text) => {
    const words = basicClean(text).replaceAll('_', ' ').replaceAll(PUNCTUATION, '')
    return joinBlanks(words.toLowerCase())
  },
}

/** Python's string.punctuation. */
const PUNCTUATION = /[!-/:-@[-`{-~]/g

/** Python's `" ".join(text.split())`: its blanks are JavaScript's and five control characters more. */
function joinBlanks(text: string): string {
  const words = text.split(BLANKS)
  return words.filter((word) => word !== '').join(' ')
}

// oxlint-disable-next-line no-control-regex -- that is what they are
const BLANKS = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/

function basicClean(text: string): string {
  return unescapeHtml(unescapeHtml(fixText(text)))
}

/**
 * ftfy's fix_text, but for what it does to text that was decoded by the wrong code page (`cafÃ©`),
 * which takes statistics of such accidents.
 */
function fixText(text: string): string {
  // From the first line on that may be HTML itself, entities stay.
  let isHtml = false
  return text
    .split(/(?<=\n)/)
    .map((line) => {
      isHtml ||= line.includes('<')
      return untilStable(line, (before) => fixLine(isHtml ? before : unescapeWhole(before)))
    })
    .join('')
}

function untilStable(text: string, change: (text: string) => string): string {
  let [before, after] = [text, change(text)]
  while (after !== before) [before, after] = [after, change(after)]
  return after
}

function fixLine(text: string): string {
  return text
    .replaceAll(LATE_CONTROLS, (control) => windowsCharacter(control.charCodeAt(0)))
    .replaceAll(LIGATURES, lettersOf)
    .replaceAll(WIDE, (letter) => letter.normalize('NFKC'))
    .replaceAll(/[\u02bc\u2018-\u201b]/g, "'")
    .replaceAll(/[\u201c-\u201f]/g, '"')
    .replaceAll(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
    .replaceAll(/\p{Surrogate}/gu, '\ufffd')
    .replaceAll(TERMINAL, '')
    .replaceAll(CONTROLS, '')
    .normalize('NFC')
}

/** As it was set: the long s of \ufb05 stays long. */
function lettersOf(ligature: string): string {
  return ligature === '\ufb05' ? '\u017ft' : ligature.normalize('NFKC')
}

// oxlint-disable no-control-regex -- that is what they are
const LATE_CONTROLS = /[\x80-\x9f]/g
const TERMINAL = /\x1b\[[\d;]*[a-zA-Z]/g
/** Those that make no blank, and marks that are no text. */
const CONTROLS = /[\0-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]/g
// oxlint-enable no-control-regex
/** Latin letters that one sign stands for. */
const LIGATURES = /[\u0132\u0133\u0149\u01c4-\u01cc\u01f1-\u01f3\ufb00-\ufb06]/g
/** Half and full widths of East Asian type. */
const WIDE = /[\u3000\uff01-\uffef]/g
