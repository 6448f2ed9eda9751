// lucida similar: pictures like one picture.
import { Command } from 'commander'
import { searchCold } from '../../cold-search.ts'
import { placeOf } from '../../core/place.ts'
import type { CliIo } from '../io.ts'
import { printAnswer } from '../print.ts'
import { configOf, findServer, withGlobalFlags, withAnyLucida } from '../program.ts'
import { parseSource } from '../terms.ts'
import { type SearchFlags, searchOptions, withResultFlags } from './search.ts'

/** The `similar` command. */
export function similarCommand(io: CliIo): Command {
  const command = new Command('similar')
    .description('Find pictures like one picture, which itself is left out.')
    .argument('<image>', 'a picture file or a URL')
  return withGlobalFlags(withResultFlags(command)).action(
    async (image: string, flags: SearchFlags) => {
      const source = parseSource(image, io.cwd)
      const term = 'text' in source ? { path: placeOf(image, io.cwd) } : source
      const config = configOf(io, flags)
      const options = searchOptions(io, flags)
      const server = await findServer(config)
      const answer = server
        ? await server.similar(term, options)
        : ((await searchCold(config, [term], options, true)) ??
          (await withAnyLucida(io, config, (lucida) => lucida.similar(term, options))))
      printAnswer(io, image, answer, flags)
    },
  )
}
