// lucida generate: draws a picture from words, from pictures, or from both.
import { resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import type { PartialConfig } from '../../config.ts'
import { LucidaError } from '../../core/errors.ts'
import type { GenerateOptions } from '../../lucida.ts'
import { printCandidates, printDrawing, readMask, writeCandidates } from '../drawing.ts'
import { type IdeaFlags, ideaOf, pictureOf } from '../ideas.ts'
import type { CliIo } from '../io.ts'
import { printJson } from '../print.ts'
import {
  type AnyLucida,
  collect,
  configOf,
  integer,
  number,
  withAnyLucida,
  withGlobalFlags,
} from '../program.ts'

interface Flags extends PartialConfig, IdeaFlags {
  avoid?: string
  candidates?: number
  seed?: number
  steps?: number
  guidance?: number
  variation?: number
  start?: string
  strength?: number
  mask?: string
  size?: { width: number; height: number }
  rounds?: number
  keep?: boolean
  output?: string
  all?: boolean
  json?: boolean
}

const MIN_SIDE_PX = 16
const MAX_SIDE_PX = 2048

/** The `generate` command. */
export function generateCommand(io: CliIo): Command {
  const share = number(0, 1)
  const command = new Command('generate')
    .summary('Draw a picture from words, from pictures, or from both.')
    .description(
      'Draw what words say, variations of a picture, a sum of words and pictures, what lies ' +
        'between two, a picture changed, or more like the best hits of a search. Writes the best ' +
        'candidate and prints score (cosine), relevance, seed and file of all of them, best first.',
    )
    .usage('[options] [TEXT | ./image.jpg | https://…] [+ TERM | - TERM …]')
    .argument('[term...]', 'what to draw; terms after a lone + or - may have a weight: 2:night')
    .option('--like <picture>', 'add a file or the id of an indexed picture (repeatable)', collect)
    .option('--hits [n]', 'more like the n best hits (5) of a search', integer(1, 20))
    .option('--between <term>', 'what lies between this text or picture …')
    .option('--and <term>', '… and this one')
    .option('--at <x>', 'how far on the way: 0 is the first, 1 the second', share, 0.5)
    .option('--change <picture>', 'change a file or an indexed picture …')
    .option('--to <text>', '… so that there is more of this')
    .option('--from <text>', 'and less of this (a photo)')
    .option('--by <x>', 'how far, 0 to 1 (0.35)', share)
    .option('--avoid <text>', 'what to stay away from')
    .option('-n, --candidates <n>', 'pictures a round (4)', integer(1, 16))
    .option(
      '--seed <n>',
      'of the first candidate; the same seed draws the same',
      integer(0, 2 ** 32 - 1),
    )
    .option('--steps <n>', 'steps of the decoder', integer(1, 200))
    .option('--guidance <x>', 'how strictly to follow: 1 plainly, more exaggerates', number(0, 20))
    .option('--variation <x>', 'how far to stray, 0 to 1 (0)', share)
    .option('--start <picture>', 'begin with this picture instead of noise')
    .option('--strength <x>', 'how much of it goes, 0 to 1 (0.6)', share)
    .option('--mask <file>', 'only what is white or transparent in this picture changes')
    .option('--size <WxH>', `pixels of the files, ${MIN_SIDE_PX} to ${MAX_SIDE_PX} a side`, size)
    .option(
      '--rounds <n>',
      'try again while nothing is relevant, so many times in all',
      integer(1, 5),
    )
    .option('--keep', 'put the best one into the collection')
    .option('-o, --output <file>', 'where to write: .png, .jpg or .webp (lucida-<seed>.png)')
    .option('--all', 'write all candidates: name-1.png, name-2.png, …')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  lucida generate a red car in the snow -o car.png\n' +
        '  lucida generate ./cat.jpg --variation 0.4 --all -o cat.png\n' +
        '  lucida generate ./beach.jpg + sunset - people\n' +
        '  lucida generate --between ./dog.jpg --and "a fox" --at 0.3\n' +
        '  lucida generate --change ./house.jpg --from summer --to winter\n' +
        '  lucida generate sunset over the sea --hits 5 --keep',
    )
  return withGlobalFlags(command).action(async (words: string[], flags: Flags) => {
    checkFlags(command, flags)
    const { writtenFormat } = await import('../../lucida.ts')
    const { output } = flags
    if (output !== undefined && writtenFormat(output) === undefined) {
      command.error(`error: --output ${output}: expected a name that ends in .png, .jpg or .webp`)
    }
    const idea = ideaOf(command, words, flags, io.cwd)
    await withAnyLucida(io, configOf(io, flags), async (lucida) => {
      const order = { ...(await howOf(io, lucida, flags)), idea }
      await draw(io, lucida, order, flags)
    })
  })
}

async function draw(
  io: CliIo,
  lucida: AnyLucida,
  order: GenerateOptions,
  { output, all = false, keep = false, json = false }: Flags,
): Promise<void> {
  const plan = await lucida.plan(order)
  if (plan.earlier?.picture) {
    const { path } = await lucida.gallery.find(plan.earlier.picture)
    if (json) return printJson(io, { id: plan.earlier.id, picture: plan.earlier.picture, path })
    io.err('the same was drawn and kept before\n')
    io.out(`${path}\n`)
    return
  }
  const generation = await printDrawing(io, plan.run(io.signal), order.rounds ?? 1)
  const { id, candidates, tries, picture, offered, withheld } = generation
  // What is kept needs no second file, unless one is asked for.
  const isWritten = output !== undefined || all || !keep
  const base = output ?? `lucida-${candidates[0]!.seed}.png`
  const paths = isWritten ? await writeCandidates(candidates, resolve(io.cwd, base), all) : []
  const kept = picture && (await lucida.gallery.find(picture)).path
  if (json) {
    const rows = candidates.map((candidate, i) => {
      const { png: _, ...facts } = candidate
      return { ...facts, path: paths[i] ?? null }
    })
    printJson(io, { id, candidates: rows, tries, picture, path: kept, offered, withheld })
  } else printCandidates(io, candidates, paths, kept)
  if (withheld > 0) io.err(`${withheld} withheld by the safety policy\n`)
  if (keep && !kept) {
    throw new LucidaError('bad_input', 'Nothing was kept: all that was drawn are copies')
  }
}

async function howOf(
  io: CliIo,
  lucida: AnyLucida,
  flags: Flags,
): Promise<Omit<GenerateOptions, 'idea'>> {
  const { avoid, candidates, seed, steps, guidance, variation, size, rounds, keep } = flags
  const { start, strength, mask } = flags
  return {
    avoid,
    candidates,
    seed,
    steps,
    guidance,
    variation,
    size,
    rounds,
    keep: keep ? 'best' : 'none',
    ...(start !== undefined && {
      start: {
        picture: await fileOf(lucida, pictureOf(start, io.cwd)),
        strength,
        mask: mask === undefined ? undefined : await readMask(resolve(io.cwd, mask)),
      },
    }),
  }
}

/** Drawing begins with pixels: those of an indexed picture are in its file. */
async function fileOf(lucida: AnyLucida, term: ReturnType<typeof pictureOf>) {
  return 'id' in term ? { path: (await lucida.gallery.find(term.id)).path } : term
}

function checkFlags(command: Command, { start, strength, mask }: Flags): void {
  if (start !== undefined || (strength === undefined && mask === undefined)) return
  command.error(`error: option '--${mask === undefined ? 'strength' : 'mask'}' needs '--start'`)
}

function size(text: string): { width: number; height: number } {
  const [, width, height] = (/^(\d+)x(\d+)$/i.exec(text) ?? []).map(Number)
  const isSide = (side: number | undefined) => side! >= MIN_SIDE_PX && side! <= MAX_SIDE_PX
  if (isSide(width) && isSide(height)) return { width: width!, height: height! }
  throw new InvalidArgumentError(
    `Expected width and height, ${MIN_SIDE_PX} to ${MAX_SIDE_PX} each, such as 512x384.`,
  )
}
