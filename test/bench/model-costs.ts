// What each model at hand costs on this machine: the built-in one, and exports of open_clip with random
// weights, which cost what the trained ones do. Writes models/costs.json, from which docs/models.md and
// the estimates of `lucida bench` are made. Each model is measured in a process of its own.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { COSTS_FILE, type ModelCost, type ModelCosts } from '../../src/models/costs.ts'
import { findModel } from '../../src/models/registry.ts'
import { adoptModel, howToExport, randomModelFolder } from './hub-model.ts'
import { printHeader } from './report.ts'

const runFile = promisify(execFile)
const CHILD = join(import.meta.dirname, 'model-cost.ts')
const ROOT = join(import.meta.dirname, '../..')

/** Models of the catalogue, with the architecture of open_clip that they are. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  'clip-vit-b-32': 'ViT-B-32-quickgelu',
  'clip-vit-b-16': 'ViT-B-16-quickgelu',
  'clip-vit-l-14': 'ViT-L-14-quickgelu',
  'siglip-b-16': 'ViT-B-16-SigLIP',
}

/** Runs the benchmark: seconds for each measurement (10), and what else is to be known of the machine. */
export async function run([seconds = '10', remark]: string[]): Promise<void> {
  printHeader('model-costs', 'all that are at hand', 'made pixels and three short texts')
  const place = await mkdtemp(join(ROOT, '.cache/bench/costs-'))
  const models: Record<string, ModelCost> = {}
  const measure = async (name: string, directory: string) => {
    const args = ['--import', 'tsx', CHILD, directory, seconds]
    const { stdout } = await runFile(process.execPath, args, { cwd: ROOT })
    const cost = JSON.parse(stdout) as ModelCost
    models[name] = cost
    console.log(
      `${name}: ${cost.perSecond} pictures/s in batches of ${cost.batch}, ${cost.textMs} ms a text, ${cost.memoryMb} MB`,
    )
  }
  try {
    await measure('lucida-clip-1', (await findModel('lucida-clip-1')).directory)
    for (const [name, architecture] of Object.entries(ARCHITECTURES)) {
      const folder = randomModelFolder(architecture)
      if (!folder) {
        console.log(`${name}: SKIPPED, not at hand: ${howToExport(architecture)}`)
        continue
      }
      const { directory } = await adoptModel(folder, join(place, name), name)
      await measure(name, directory)
    }
    const memory = `${Math.round(totalmem() / 2 ** 30)} GB`
    const machine = `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${memory}`
    const costs: ModelCosts = {
      machine,
      ...(remark && { remark }),
      node: process.version,
      models,
    }
    await writeFile(COSTS_FILE, `${JSON.stringify(costs, null, 2)}\n`)
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}
