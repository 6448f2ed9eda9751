// lucida search: finds pictures by words, by example, or by both, and lists them by date.
import { Command, Option } from 'commander'
import { searchCold } from '../../cold-search.ts'
import type { PartialConfig } from '../../config.ts'
import type { SearchOptions } from '../../lucida.ts'
import { drawInstead } from '../drawing.ts'
import { type FilterFlags, filterOf, withFilterFlags } from '../filters.ts'
import type { CliIo } from '../io.ts'
import { printAnswer, printDrawn, printListing, type ResultFormat } from '../print.ts'
import {
  configOf,
  findServer,
  integer,
  number,
  withGlobalFlags,
  withAnyLucida,
} from '../program.ts'
import { parseTerms } from '../terms.ts'

/** Flags of every command that prints search results. */
export interface SearchFlags extends PartialConfig, ResultFormat, FilterFlags {
  limit: number
  minScore?: number
  order?: 'score' | 'date'
  page: number
}

/** Flags that lessen bias. */
interface AdjustFlags {
  debias?: string
  balance?: string
}

const MAX_PAGE = 1_000_000

/** Adds the flags of every command that prints search results. */
export function withResultFlags(command: Command): Command {
  command
    .option('-k, --limit <n>', 'pictures to show', integer(1, 1000), 10)
    .option('--page <n>', 'show the nth page of so many', integer(1, MAX_PAGE), 1)
    .addOption(new Option('--order <by>', 'best or newest first').choices(['score', 'date']))
    .option('--min-score <s>', 'leave out lower scores (cosine)', number(-1, 1))
  return withFilterFlags(command)
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
        'Prints score (cosine), relevance and path, best first. Without a term, lists the ' +
        'pictures that pass the filters, newest first.',
    )
    .usage('[options] [TEXT | ./image.jpg | https://… | concept:NAME] [+ TERM | - TERM …]')
    .argument('[term...]', 'what to look for; terms after a lone + or - may have a weight: 2:night')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  lucida search a dog on the beach\n' +
        '  lucida search ./holiday.jpg + 0.5:snow - people\n' +
        '  lucida search sunset --after 2020-05 --camera nikon --near 48.86,2.35,50\n' +
        '  lucida search --format png --order date --page 2\n' +
        '  lucida search sunset --files -0 | xargs -0 open\n' +
        '  lucida search a green fox --generate',
    )
  return withGlobalFlags(
    withResultFlags(
      command
        .option('--generate', 'for words: where nothing is relevant, draw a picture and keep it')
        .option('--debias <attribute>', 'take this out of the words, as gender: see docs/bias.md')
        .option('--balance <attribute>', 'balance the best results by this attribute'),
    ),
  ).action(async (words: string[], flags: SearchFlags & AdjustFlags & { generate?: boolean }) => {
    if (words.length === 0) return list(io, command, flags)
    const terms = parseTerms(words, io.cwd)
    // It takes a while to load, and most searches need none of it.
    const library = flags.generate ? await import('../../lucida.ts') : undefined
    const order = library?.orderIfNotFound(terms)
    const config = configOf(io, flags)
    const { debias, balance } = flags
    const options = {
      ...searchOptions(io, flags),
      ...(debias !== undefined && { debias }),
      ...(balance !== undefined && { balance }),
    }
    const server = await findServer(config)
    const answer = server
      ? await server.search(terms, options)
      : ((await searchCold(config, terms, options, false)) ??
        (await withAnyLucida(io, config, (lucida) => lucida.search(terms, options))))
    const query = words.join(' ')
    const isFound = flags.page > 1 || library?.isAnythingFound(answer, options.orderBy) !== false
    // Shown at once, unless it is to be one document with what is drawn.
    if (!flags.json || isFound) printAnswer(io, query, answer, flags)
    if (isFound || !order) return
    const drawn = await withAnyLucida(io, config, (lucida) => drawInstead(io, lucida, order))
    if (flags.json) printAnswer(io, query, answer, flags, drawn)
    else printDrawn(io, drawn, flags)
  })
}

async function list(io: CliIo, command: Command, flags: SearchFlags & AdjustFlags): Promise<void> {
  if (flags.debias !== undefined || flags.balance !== undefined) {
    command.error(
      "error: missing required argument 'term': --debias and --balance are for searches",
    )
  }
  const { filter, limit, offset } = searchOptions(io, flags)
  if (flags.order === 'score' || flags.minScore !== undefined || (!filter && !flags.order)) {
    command.error("error: missing required argument 'term' (without one: filters, or --order date)")
  }
  await withAnyLucida(io, configOf(io, flags), async (lucida) => {
    printListing(io, await lucida.list({ limit, offset, ...(filter && { filter }) }), flags)
  })
}

/** The part of the flags that the search itself takes. */
export function searchOptions(io: CliIo, flags: SearchFlags) {
  const { limit, minScore, page, order } = flags
  const filter = filterOf(io, flags)
  return {
    limit,
    offset: (page - 1) * limit,
    ...(minScore !== undefined && { minScore }),
    ...(order === 'date' && { orderBy: 'takenAt' as const }),
    ...(filter && { filter }),
  } satisfies SearchOptions
}
