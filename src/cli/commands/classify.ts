// lucida classify: which of the given labels fits a picture (zero-shot).
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import { placeOf } from '../../core/place.ts'
import type { CliIo } from '../io.ts'
import { printJson } from '../print.ts'
import { collect, configOf, withGlobalFlags, withAnyLucida } from '../program.ts'

interface Flags extends PartialConfig {
  labels: string
  template?: string[]
  multi?: boolean
  json?: boolean
}

/** The `classify` command. */
export function classifyCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('classify')
      .description('Say which of your labels fits a picture.')
      .argument('<image...>', 'picture files')
      .requiredOption('--labels <a,b,c>', 'labels, separated by commas; or concept:NAME')
      .option(
        '--template <text>',
        'caption with {} for the label, or a published set: openai, simple (repeatable)',
        collect,
      )
      .option('--multi', 'score each label by itself, instead of one against the others')
      .option('--json', 'print one JSON document'),
  ).action(async (images: string[], { labels, template, multi, json, ...flags }: Flags) => {
    await withAnyLucida(io, configOf(io, flags), async (lucida) => {
      const all = []
      const results = lucida.classify(
        images.map((image) => placeOf(image, io.cwd)),
        {
          labels: labels.split(',').map((label) => label.trim()),
          mode: multi ? 'multi' : 'single',
          ...(template && { templates: template }),
        },
      )
      for await (const result of results) {
        if (json) all.push(result)
        else printClassification(io, result.path, result.labels)
      }
      if (json) printJson(io, all)
    })
  })
}

function printClassification(
  io: CliIo,
  path: string,
  labels: readonly { label: string; score: number }[],
): void {
  io.out(`${path}\n`)
  for (const { label, score } of labels) io.out(`  ${score.toFixed(3)}  ${label}\n`)
}
