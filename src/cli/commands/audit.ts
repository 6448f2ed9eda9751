// lucida audit: measures the bias of model and collection.
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import type { PartialConfig } from '../../config.ts'
import { LucidaError, messageOf } from '../../core/errors.ts'
import type { AuditCollectionOptions, AuditReport } from '../../lucida.ts'
import { type FilterFlags, filterOf, withFilterFlags } from '../filters.ts'
import type { CliIo } from '../io.ts'
import { percentText, printJson } from '../print.ts'
import { collect, configOf, integer, withAnyLucida, withGlobalFlags } from '../program.ts'

interface Flags extends PartialConfig, FilterFlags {
  attribute?: string[]
  first: number
  target: 'collection' | 'equal'
  labels?: string
  seed: number
  permutations: number
  output?: string
  json?: boolean
  printTerms?: boolean
}

/** The `audit` command. */
export function auditCommand(io: CliIo): Command {
  const command = new Command('audit')
    .summary('Measure the bias of model and collection.')
    .description(
      'Measure the bias of model and collection: association tests, who is found by queries that ' +
        'ask for nobody in particular, how much hangs on their wording and, with labels, zero-shot ' +
        'errors by group. Only sums are shown, nothing about a single picture.',
    )
    .option('--attribute <name>', 'gender, age, skin-tone or yours (repeatable); all', collect)
    .option('-k, --first <n>', 'look at the first n pictures of each query', integer(5, 1000), 25)
    .addOption(
      new Option('--target <which>', 'compare with the composition of the collection or with equal')
        .choices(['collection', 'equal'])
        .default('collection'),
    )
    .option('--labels <file>', 'labels by people: path,label lines (CSV) or a JSON object')
    .option('--seed <n>', 'of everything that is drawn by chance', integer(0, 2 ** 31), 1)
    .option('--permutations <n>', 'behind each p-value', integer(99, 9999), 999)
  return withGlobalFlags(
    withFilterFlags(command)
      .option('-o, --output <file>', 'write the report as HTML, with plots')
      .option('--json', 'print one JSON document')
      .option('--print-terms', 'print the words and prompts in use, to edit (see LUCIDA_TERMS)'),
  ).action(async (flags: Flags) => {
    const config = configOf(io, flags)
    const { auditHtml, loadTermSets, readLabels } = await import('../../lucida.ts')
    if (flags.printTerms) {
      io.out(`${JSON.stringify(await loadTermSets(config.terms), null, 2)}\n`)
      return
    }
    const { attribute, first: k, target, seed, permutations, output, json } = flags
    const filter = filterOf(io, flags)
    const options: AuditCollectionOptions = {
      k,
      target,
      seed,
      permutations,
      ...(attribute && { attributes: attribute }),
      ...(flags.labels && { labels: await readLabels(resolve(io.cwd, flags.labels)) }),
      ...(filter && { filter }),
    }
    const report = await withAnyLucida(io, config, (lucida) => lucida.audit(options))
    if (output !== undefined) await writeReport(resolve(io.cwd, output), auditHtml(report))
    if (json) printJson(io, report)
    else printReport(io, report)
  })
}

async function writeReport(file: string, html: string): Promise<void> {
  await writeFile(file, html).catch((cause: unknown) => {
    throw new LucidaError('unreadable', `Cannot write ${file}: ${messageOf(cause)}`, { cause })
  })
}

function printReport(io: CliIo, report: AuditReport): void {
  const { model, pictures, k, associations, compositions, sensitivity, misclassification } = report
  io.out(`${model}, ${pictures} pictures, the first ${k} for each query\n`)
  for (const { title, skipped, values, maxSkew, ndkl, pictures, queries } of compositions) {
    io.out(`\n${title}, of ${pictures} pictures that have a value\n`)
    if (skipped !== null || !maxSkew || !ndkl) {
      io.out(`  not measured: ${skipped}\n`)
      continue
    }
    io.out(
      `  ${values.map(({ name, share }) => `${name} ${percentText(share).trim()}`).join(', ')}\n`,
    )
    io.out(`  MaxSkew ${estimate(maxSkew.mean, maxSkew.interval)}  p ${maxSkew.p.toFixed(3)}\n`)
    io.out(`  NDKL    ${estimate(ndkl.mean, ndkl.interval)}  p ${ndkl.p.toFixed(3)}\n`)
    for (const one of queries) {
      const mark = one.adjustedP <= 0.05 ? '*' : ' '
      io.out(`  ${mark} ${one.maxSkew.toFixed(2)}  ${one.favoured.padEnd(10)}  ${one.query}\n`)
    }
  }
  io.out('\nAssociation tests (effect size, 95 % interval, adjusted p)\n')
  for (const { name, effect, interval, adjustedP } of associations) {
    io.out(`  ${name.padEnd(28)} ${estimate(effect, interval)}  p ${adjustedP.toFixed(3)}\n`)
  }
  for (const { name, groups } of misclassification) {
    io.out(`\nZero-shot errors: ${name}\n`)
    for (const { group, pictures, rate } of groups) {
      io.out(`  ${percentText(rate)}  of ${pictures}  ${group}\n`)
    }
  }
  if (sensitivity) {
    const { overlap, rbo } = sensitivity
    io.out(
      `\nWording: paraphrases share ${percentText(overlap).trim()} of their results (RBO ${rbo.toFixed(2)})\n`,
    )
  }
  io.err('\n* seldom by chance (adjusted p up to 0.05). What this can and cannot show:\n')
  for (const caveat of report.caveats) io.err(`- ${caveat}\n`)
}

function estimate(value: number, [low, high]: readonly [number, number]): string {
  return `${value.toFixed(2).padStart(5)} [${low.toFixed(2)}, ${high.toFixed(2)}]`
}
