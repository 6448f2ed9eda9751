// lucida ask: indexes folders, then answers questions typed at a prompt. Without a folder it draws
// a set of pictures of its own and shows what the model finds in them.
import { createInterface } from 'node:readline'
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import { LucidaError } from '../../core/errors.ts'
import { placeOf } from '../../core/place.ts'
import type { Lucida } from '../../lucida.ts'
import { drawDemoCollection } from '../demo-collection.ts'
import { type CliIo, dim } from '../io.ts'
import { printAnswer } from '../print.ts'
import { configOf, withGlobalFlags, withLucida } from '../program.ts'
import { printIndexing } from '../progress.ts'
import { parseTerms } from '../terms.ts'
import { measureDemo } from './ask-demo.ts'

/** Asked where nobody can type. */
const EXAMPLES = ['a dog', 'people at the beach', 'a red car']
const RESULTS = 5

/** The `ask` command. */
export function askCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('ask')
      .summary('Index folders, then answer questions typed at a prompt.')
      .description(
        'Index folders, then answer questions typed at a prompt (three examples where there is ' +
          'no terminal). Without a folder, draw sixty pictures and search those.',
      )
      .argument('[path...]', 'folders of pictures'),
  ).action(async (paths: string[], flags: PartialConfig) => {
    const config = configOf(io, flags)
    const folders = paths.map((path) => placeOf(path, io.cwd))
    if (folders.length > 0) {
      return withLucida(io, config, async (lucida) => {
        await printIndexing(io, lucida.index(folders, { signal: io.signal }))
        await answer(io, lucida, EXAMPLES)
      })
    }
    const demo = await drawDemoCollection(io, config)
    await withLucida(io, demo.config, async (lucida) => {
      await printIndexing(io, lucida.index([demo.folder], { signal: io.signal }))
      const examples = await measureDemo(io, lucida)
      await answer(io, lucida, examples)
    })
  })
}

/** Answers what is typed, or the examples. */
async function answer(io: CliIo, lucida: Lucida, examples: readonly string[]): Promise<void> {
  if (io.signal.aborted) return
  if (!io.inputIsTerminal) {
    for (const text of examples.slice(0, 3)) {
      io.out(`\n> ${text}\n`)
      await answerOne(io, lucida, text)
    }
    return
  }
  io.err(
    dim(
      io,
      '\nAsk for pictures in your own words (+ and - add and subtract); an empty line ends.\n',
    ),
  )
  const prompt = createInterface({ input: io.input, output: process.stderr, prompt: '> ' })
  prompt.on('SIGINT', () => prompt.close())
  prompt.prompt()
  // Iterated, not asked line by line: what is typed during a search waits for its turn.
  for await (const line of prompt) {
    if (line.trim() === '') break
    await answerOne(io, lucida, line.trim())
    prompt.prompt()
  }
  prompt.close()
}

async function answerOne(io: CliIo, lucida: Lucida, text: string): Promise<void> {
  try {
    const found = await lucida.search(parseTerms(text.split(/\s+/), io.cwd), { limit: RESULTS })
    printAnswer(io, text, found, {})
  } catch (error) {
    if (!(error instanceof LucidaError)) throw error
    io.err(`${error.message}\n`)
  }
}
