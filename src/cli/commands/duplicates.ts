// lucida duplicates: pictures that are there more than once, in three tiers.
import { Command, Option } from 'commander'
import type { PartialConfig } from '../../config.ts'
import type { DuplicateKind, PictureGroup } from '../../lucida.ts'
import { type CliIo, dim } from '../io.ts'
import { printJson } from '../print.ts'
import {
  type AnyLucida,
  configOf,
  integer,
  number,
  withAnyLucida,
  withGlobalFlags,
} from '../program.ts'

const TIERS = ['exact', 'near', 'look-alike'] as const satisfies readonly DuplicateKind[]

/** Groups that are asked for at once. */
const PAGE = 100
const MAX_GROUPS = 1_000_000

interface Flags extends PartialConfig {
  tier?: DuplicateKind
  limit?: number
  minScore?: number
  json?: boolean
}

/** The `duplicates` command. */
export function duplicatesCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('duplicates')
      .summary('List pictures that are there more than once.')
      .description(
        'List pictures that are there more than once, in groups, each with its tier: exact (the ' +
          'same file in several places), near (resized, recompressed, mirrored, cut or slightly ' +
          'changed), look-alike (other pictures, which mean the same to the model). Prints how ' +
          'similar each is to the first of its group.',
      )
      .addOption(new Option('--tier <which>', 'only this tier').choices([...TIERS]))
      .option('-k, --limit <n>', 'groups of each tier, at most', integer(1, MAX_GROUPS))
      .option('--min-score <s>', 'look-alikes from this cosine on (0.95)', number(0.5, 1))
      .option('--json', 'print one JSON document'),
  ).action(async ({ tier, limit = MAX_GROUPS, minScore, json, ...flags }: Flags) => {
    await withAnyLucida(io, configOf(io, flags), async (lucida) => {
      const all: PictureGroup[] = []
      const counts: string[] = []
      for (const kind of tier ? [tier] : TIERS) {
        let count = 0
        for await (const group of groupsOf(lucida, kind, { limit, minScore })) {
          if (io.signal.aborted) return
          count++
          if (json) all.push(group)
          else printGroup(io, group)
        }
        counts.push(`${count} ${kind}`)
      }
      if (json) printJson(io, { groups: all.map(toJson) })
      else io.err(`${dim(io, `groups: ${counts.join(', ')}`)}\n`)
    })
  })
}

/** One page after the other, until there are enough. */
async function* groupsOf(
  lucida: AnyLucida,
  kind: DuplicateKind,
  { limit, minScore }: { readonly limit: number; readonly minScore: number | undefined },
): AsyncGenerator<PictureGroup> {
  let left = limit
  for (let after: string | undefined; left > 0; ) {
    const options = { after, limit: Math.min(PAGE, left), minScore }
    const { groups, next } = await lucida.duplicates(kind, options)
    yield* groups
    left -= groups.length
    if (next === null) return
    after = next
  }
}

function printGroup(io: CliIo, { kind, pictures }: PictureGroup): void {
  io.out(`${kind}\n`)
  for (const { picture, similarity } of pictures) {
    for (const path of picture.paths) io.out(`  ${similarity.toFixed(3)}  ${path}\n`)
  }
}

function toJson({ kind, pictures }: PictureGroup) {
  return {
    tier: kind,
    pictures: pictures.map(({ picture: { id, path, paths, width, height }, similarity }) => {
      return { id, path, paths, width, height, similarity }
    }),
  }
}
