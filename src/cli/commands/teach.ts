// lucida teach: a concept of one's own, from a few pictures that are one and some that are not.
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import type { Concept } from '../../lucida.ts'
import { pictureOf } from '../ideas.ts'
import type { CliIo } from '../io.ts'
import { percentText, printJson } from '../print.ts'
import { configOf, withAnyLucida, withGlobalFlags } from '../program.ts'

interface Flags extends PartialConfig {
  like?: string[]
  unlike?: string[]
  text?: string
  anew?: boolean
  json?: boolean
}

/** The `teach` command. */
export function teachCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('teach')
      .summary('Teach a concept of your own by a few examples.')
      .description(
        'Teach a concept of your own by pictures that are one and, if you like, some that are ' +
          'not. It is told from a sample of the collection, and can then be searched for ' +
          '(concept:NAME), filtered by (--concept NAME) and classified with. Again with the same ' +
          'name adds examples.',
      )
      .argument('<name>', 'what you call it: letters, digits, spaces, - and _')
      .option('--like <picture...>', 'pictures that are one: files, URLs, ids')
      .option('--unlike <picture...>', 'pictures that are not')
      .option('--text <words>', 'words for it, which help while there are few examples')
      .option('--anew', 'forget the examples that it was taught before')
      .option('--json', 'print one JSON document')
      .addHelpText(
        'after',
        '\nExamples:\n' +
          '  lucida teach "red mug" --like a.jpg b.jpg --unlike cup.jpg --text "a red mug"\n' +
          '  lucida search concept:red mug - table\n' +
          '  lucida search kitchen --concept "red mug:0.8"',
      ),
  ).action(async (name: string, { json, ...flags }: Flags) => {
    const { like = [], unlike = [], text, anew = false } = flags
    const read = (pictures: readonly string[]) =>
      pictures.map((picture) => pictureOf(picture, io.cwd))
    await withAnyLucida(io, configOf(io, flags), async ({ concepts }) => {
      const concept = await concepts.teach(name, {
        like: read(like),
        unlike: read(unlike),
        text,
        anew,
      })
      if (json) printJson(io, conceptJson(concept))
      else io.out(`${conceptText(concept)}\n`)
    })
  })
}

/** One line: the name, its examples, and what leaving them out said. */
export function conceptText({ name, like, unlike, quality, text }: Concept): string {
  const words = text === null ? '' : `, “${text}”`
  const worth = quality
    ? `left out one by one: average precision ${percentText(quality.averagePrecision).trim()}, ` +
      `area under the curve ${quality.auc.toFixed(3)}`
    : 'one example: two tell how good it is'
  return `concept:${name}  ${like.length} like, ${unlike.length} unlike${words}; ${worth}`
}

/** What `--json` prints of one. */
export function conceptJson(concept: Concept) {
  const { name, text, like, unlike, model, quality, createdAt, taughtAt } = concept
  return { name, text, like, unlike, model, quality, createdAt, taughtAt }
}
