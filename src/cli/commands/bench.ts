// lucida bench: how fast this machine is, and which model suits it.
import { findServingModel } from '../../cold-search.ts'
import { resolve } from 'node:path'
import { availableParallelism, cpus } from 'node:os'
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import { fallbackText } from '../../core/provider.ts'
import type { CatalogueModel, ModelSpec } from '../../lucida.ts'
import type { EncodeSpeed } from '../../measure.ts'
import type { CliIo } from '../io.ts'
import { printJson } from '../print.ts'
import { configOf, integer, withGlobalFlags } from '../program.ts'

interface Flags extends PartialConfig {
  seconds: number
  json?: boolean
}

/** How long a model would take here. */
interface ModelRow {
  readonly model: string
  /** Whether its tower was run now; otherwise its speed is estimated from published operations. */
  readonly measured: boolean
  /** Of an indexing run; `null` where nothing is known to estimate it by. */
  readonly picturesPerSecond: number | null
  readonly hoursFor10000: number | null
  readonly hoursFor100000: number | null
  /** COCO, text to picture: share of captions whose picture is among the first five, as published. */
  readonly cocoRecallAt5: number | null
}

/** The `bench` command. */
export function benchCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('bench')
      .description('Measure how fast this machine is, and estimate what other models would take.')
      .argument('[folder]', 'decode pictures of this folder instead of a made photograph')
      .option('--seconds <n>', 'for each measurement', integer(1, 60), 4)
      .option('--json', 'print one JSON document'),
  ).action(async (folder: string | undefined, { json, seconds, ...flags }: Flags) => {
    const config = configOf(io, flags)
    const { CATALOGUE, estimateSpeed, findModel, listModels, readCosts } = await import(
      '../../lucida.ts'
    )
    const { indexSpeed, measureDecode, measureEncode, samplePictures } = await import(
      '../../measure.ts'
    )
    const { threads, providers } = config
    const how = { forMs: seconds * 1000, threads, providers }
    const model = await findModel(
      config.model ?? (await findServingModel(config)),
      config.modelsDir,
    )
    const sample = await samplePictures(folder === undefined ? folder : resolve(io.cwd, folder))
    const decode = await measureDecode(model, sample, how)
    const encode = await measureEncode(model, how)
    const peakMemoryMb = Math.round(process.resourceUsage().maxRSS / 1024)

    const others = await listModels(config.modelsDir)
    const speeds = new Map([[model.name, encode.perSecond]])
    for (const other of others.filter(({ name }) => name !== model.name)) {
      speeds.set(other.name, (await measureEncode(other, how)).perSecond)
    }
    const costs = await readCosts()
    const known = { model: model.name, perSecond: encode.perSecond }
    const rowOf = ({ name, quality }: Pick<CatalogueModel, 'name' | 'quality'>): ModelRow => {
      const speed = speeds.get(name) ?? estimateSpeed(costs, CATALOGUE, known, name)
      const perSecond = speed === undefined ? null : indexSpeed(decode.perSecond, speed)
      return {
        model: name,
        measured: speeds.has(name),
        picturesPerSecond: perSecond,
        hoursFor10000: perSecond && 10_000 / perSecond / 3600,
        hoursFor100000: perSecond && 100_000 / perSecond / 3600,
        cocoRecallAt5: quality?.cocoRecallAt5 ?? null,
      }
    }
    const ofCatalogue = new Set(CATALOGUE.map(({ name }) => name))
    const rows = [
      ...[...new Set([model, ...others].map(({ name }) => name))]
        .filter((name) => !ofCatalogue.has(name))
        .map((name) => rowOf({ name })),
      ...CATALOGUE.map(rowOf).filter(({ picturesPerSecond }) => picturesPerSecond !== null),
    ].sort((a, b) => b.picturesPerSecond! - a.picturesPerSecond!)

    if (json) return printJson(io, { ...machine(), decode, encode, peakMemoryMb, models: rows })
    const { megapixels, failed } = decode
    const pictures = `${sample.from}, ${megapixels.toFixed(1)} megapixels`
    io.out(`${machine().machine}, Node ${process.version}\n`)
    io.out(`decode and resize  ${rate(decode.perSecond)} (${pictures})\n`)
    if (failed > 0) io.out(`                   ${failed} could not be decoded\n`)
    printEncode(io, model, encode)
    io.out(`peak memory        ${peakMemoryMb} MB\n\n`)
    printRows(io, rows)
  })
}

function machine() {
  const cpu = cpus()[0]?.model.trim() ?? 'unknown CPU'
  return { machine: `${cpu}, ${availableParallelism()} cores` }
}

function printEncode(io: CliIo, { name }: ModelSpec, encode: EncodeSpeed): void {
  const { perSecond, batch, textMs, provider } = encode
  const fallback = fallbackText(provider)
  if (fallback !== undefined) io.err(`${fallback}\n`)
  io.out(`${name.padEnd(18)} ${rate(perSecond)}, ${batch} at once, on ${provider.used}\n`)
  io.out(`a new query        ${textMs.toFixed(1)} ms\n`)
}

function printRows(io: CliIo, rows: readonly ModelRow[]): void {
  io.out(
    'Indexing pictures like these, decoding included; last, how much a model finds (COCO, recall@5).\n',
  )
  const width = Math.max(...rows.map(({ model }) => model.length))
  for (const row of rows) {
    const cells = [
      row.model.padEnd(width),
      row.measured ? 'measured ' : 'estimated',
      rate(row.picturesPerSecond!).padStart(14),
      `10,000 in ${duration(row.hoursFor10000!)}`.padEnd(18),
      `100,000 in ${duration(row.hoursFor100000!)}`.padEnd(20),
      row.cocoRecallAt5 === null ? '' : `${(row.cocoRecallAt5 * 100).toFixed(1)} %`,
    ]
    io.out(`${cells.join('  ').trimEnd()}\n`)
  }
}

function rate(perSecond: number): string {
  return `${perSecond < 10 ? perSecond.toFixed(2) : perSecond.toFixed(1)} pictures/s`
}

/** `42 s`, `3 min`, `1.5 h`, `2.1 days` */
function duration(hours: number): string {
  if (hours < 1 / 60) return `${Math.round(hours * 3600)} s`
  if (hours < 1) return `${Math.round(hours * 60)} min`
  return hours < 48 ? `${hours.toFixed(1)} h` : `${(hours / 24).toFixed(1)} days`
}
