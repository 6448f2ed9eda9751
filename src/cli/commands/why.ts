// lucida why: where a picture shows what words say, and which of them counts how much.
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Command } from 'commander'
import { colourHeat, scaleHeat } from '../../client/heat.ts'
import type { PartialConfig } from '../../config.ts'
import { LucidaError } from '../../core/errors.ts'
import { placeOf } from '../../core/place.ts'
import type { AnyTerm, Explanation, HeatMap } from '../../lucida.ts'
import type { CliIo } from '../io.ts'
import { percentText, printJson } from '../print.ts'
import { type AnyLucida, configOf, withAnyLucida, withGlobalFlags } from '../program.ts'
import { parseTerms } from '../terms.ts'

interface Flags extends PartialConfig {
  output?: string
  json?: boolean
}

/** The `why` command. */
export function whyCommand(io: CliIo): Command {
  const command = new Command('why')
    .summary('Show where a picture matches words, and which of them.')
    .description(
      'Say where a picture shows what a query says, and what each of its terms adds to the score. ' +
        'The picture need not be indexed. How it is found out, and how far it can be trusted: ' +
        'docs/explaining.md.',
    )
    .argument('<picture>', 'a picture file, or the id of an indexed picture')
    .argument('<term...>', 'what it is compared with, as in a search')
    .option('-o, --output <file>', 'write the picture with the map over it: .png, .jpg or .webp')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  lucida why ./beach.jpg a dog\n' +
        '  lucida why ./beach.jpg a dog + 2:waves - people -o why.png',
    )
  return withGlobalFlags(command).action(
    async (image: string, words: string[], { output, json, ...flags }: Flags) => {
      const { writtenFormat } = await import('../../lucida.ts')
      const format = output === undefined ? undefined : writtenFormat(output)
      if (output !== undefined && format === undefined) {
        command.error(`error: --output ${output}: expected a name that ends in .png, .jpg or .webp`)
      }
      const picture = pictureOf(image, io.cwd)
      const terms = parseTerms(words, io.cwd)
      await withAnyLucida(io, configOf(io, flags), async (lucida) => {
        const explanation = await lucida.explain(picture, terms)
        if (json) printJson(io, { picture: image, query: words.join(' '), ...explanation })
        else printExplanation(io, explanation, terms)
        if (output === undefined || format === undefined) return
        await writeOverlay(lucida, picture, explanation.map, resolve(io.cwd, output), format)
      })
    },
  )
}

function pictureOf(image: string, cwd: string): { id: string } | { path: string } {
  return /^[0-9a-f]{64}$/.test(image) ? { id: image } : { path: placeOf(image, cwd) }
}

/** Blocks from nothing to full, which every terminal has. */
const SHADES = [' ', '░', '▒', '▓', '█']
/** A character is about twice as high as it is wide. */
const CHARACTERS_A_CELL = 4
const LINES_A_CELL = 2
const BAR = 20

function printExplanation(
  io: CliIo,
  { method, score, relevance, relevanceThreshold, map, terms }: Explanation,
  asked: readonly AnyTerm[],
): void {
  const percent = relevance === null ? '' : `, relevant at${percentText(relevance)}`
  const doubt =
    relevance !== null && relevanceThreshold !== null && relevance < relevanceThreshold
      ? `, of${percentText(relevanceThreshold)} asked for: probably nothing of it is there`
      : ''
  io.out(`score ${score.toFixed(3)}${percent}${doubt}\n`)
  const most = Math.max(...terms.map(({ contribution }) => Math.abs(contribution)))
  terms.forEach(({ weight, cosine, contribution }, i) => {
    const size = most === 0 ? 0 : Math.round((Math.abs(contribution) / most) * BAR)
    const added = `${contribution < 0 ? '' : '+'}${contribution.toFixed(3)}`
    io.out(`${added}  ${'█'.repeat(size).padEnd(BAR)}  ${nameOf(asked[i]!)} `)
    io.out(`(cosine ${cosine.toFixed(3)}, weight ${weight})\n`)
  })
  io.out(`\n${drawMap(map)}`)
  const [least, largest] = [Math.min(...map.values), Math.max(...map.values)]
  const unit = method === 'cells' ? 'their mean is the score' : 'what the score loses without it'
  io.err(`from ${least.toFixed(3)} (blank) to ${largest.toFixed(3)} (full); ${unit}\n`)
}

function nameOf(term: AnyTerm): string {
  if ('concept' in term) return `concept:${term.concept}`
  if ('text' in term) return term.text
  if ('path' in term) return term.path
  return 'url' in term ? term.url : 'a picture'
}

function drawMap({ width, values }: HeatMap): string {
  const shades = scaleHeat(values).map((heat) =>
    SHADES[Math.round(heat * (SHADES.length - 1))]!.repeat(CHARACTERS_A_CELL),
  )
  let text = ''
  for (let at = 0; at < shades.length; at += width) {
    text += `|${shades.slice(at, at + width).join('')}|\n`.repeat(LINES_A_CELL)
  }
  return text
}

async function writeOverlay(
  lucida: AnyLucida,
  picture: { id: string } | { path: string },
  { width, height, values, area }: HeatMap,
  file: string,
  format: 'png' | 'jpeg' | 'webp',
): Promise<void> {
  const { overlayPicture, readQueryFile } = await import('../../lucida.ts')
  const path = 'id' in picture ? (await lucida.gallery.find(picture.id)).path : picture.path
  const grid = { width, height, area, rgba: colourHeat(values) }
  const bytes = await overlayPicture(await readQueryFile(path), grid, format, path)
  await writeFile(file, bytes).catch((cause: unknown) => {
    throw new LucidaError('unreadable', `Cannot write ${file}`, { cause })
  })
}
