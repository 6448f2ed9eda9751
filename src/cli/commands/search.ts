// lucida search: finds pictures by words, by example, or by both.
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import type { CliIo } from '../io.ts'
import { printAnswer, type ResultFormat } from '../print.ts'
import { configOf, integer, number, withGlobalFlags, withLucida } from '../program.ts'
import { parseTerms } from '../terms.ts'

/** Flags of every command that prints search results. */
export interface SearchFlags extends PartialConfig, ResultFormat {
  limit?: number
  minScore?: number
}

/** Adds the flags of every command that prints search results. */
export function withResultFlags(command: Command): Command {
  return command
    .option('-k, --limit <n>', 'pictures to show', integer(1, 1000), 10)
    .option('--min-score <s>', 'leave out lower scores (cosine)', number(-1, 1))
    .option('--files', 'print paths only')
    .option('-0', 'with --files: end paths with NUL, for xargs -0')
    .option('--json', 'print one JSON document')
}

/** The `search` command. */
export function searchCommand(io: CliIo): Command {
  const command = new Command('search')
    .summary('Find pictures by words or by example.')
    .description(
      'Find pictures by words, by a picture file or by a picture at a URL, and by sums of them. ' +
        'Prints score (cosine), relevance and path, best first.',
    )
    .usage('[options] [TEXT | ./image.jpg | https://…] [+ TERM | - TERM …]')
    .argument('<term...>', 'what to look for; terms after a lone + or - may have a weight: 2:night')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  lucida search a dog on the beach\n' +
        '  lucida search ./holiday.jpg + 0.5:snow - people\n' +
        '  lucida search sunset --files -0 | xargs -0 open',
    )
  return withGlobalFlags(withResultFlags(command)).action(
    async (words: string[], flags: SearchFlags) => {
      const terms = parseTerms(words, io.cwd)
      await withLucida(io, configOf(io, flags), async (lucida) => {
        const answer = await lucida.search(terms, searchOptions(flags))
        printAnswer(io, words.join(' '), answer, flags)
      })
    },
  )
}

/** The part of the flags that the search itself takes. */
export function searchOptions({ limit, minScore }: SearchFlags) {
  return { ...(limit !== undefined && { limit }), ...(minScore !== undefined && { minScore }) }
}
