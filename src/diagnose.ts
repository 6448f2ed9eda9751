// Checks, one by one, that everything Lucida needs is there and in order; for `lucida doctor`.
// Each check stands alone, so that one broken part does not hide the others.
import { access, constants, mkdir } from 'node:fs/promises'
import sharp from 'sharp'
import { type Config, SETTINGS } from './config.ts'
import { messageOf } from './core/errors.ts'
import { isBucketPath } from './core/place.ts'
import { once } from './core/once.ts'
import { fallbackText } from './core/provider.ts'
import { VERSION } from './core/version.ts'
import { findPipeline } from './generate/pipelines.ts'
import { examine, hasCollection } from './doctor/examine.ts'
import type { Inconsistency } from './doctor/rule.ts'
import { listModelsInUse, openResolved, type Repair } from './lucida.ts'
import { openClip } from './models/clip.ts'
import { type ModelSpec, verifyModel } from './models/manifest.ts'
import { DEFAULT_MODEL, findModel } from './models/registry.ts'
import { hnswAvailable } from './search/hnsw-index.ts'
import { openSource } from './sources/open-source.ts'

/** `warning`: Lucida works, but less well than it could. */
export type CheckState = 'ok' | 'warning' | 'error'

/** Result of one check, with what to do where something is wrong. */
export interface Check {
  readonly name: string
  readonly state: CheckState
  readonly detail: string
  /** What does not fit together, for the check that looks for it. */
  readonly inconsistencies?: readonly (Inconsistency & { readonly mended: boolean })[]
}

type Finding = string | Omit<Check, 'name'>

/**
 * Runs all checks in order, and mends what is inconsistent if asked to. Never throws: what goes wrong
 * is a finding.
 */
export async function* diagnose(
  config: Config,
  { repair = false }: { readonly repair?: boolean } = {},
): AsyncGenerator<Check> {
  const model = once(() => modelOf(config))
  const checks: [string, () => Promise<Finding>][] = [
    [
      'program',
      async () => `Lucida ${VERSION}, Node ${process.version}, ${process.platform} ${process.arch}`,
    ],
    ['settings', async () => SETTINGS.map(({ key }) => `${key}=${shown(config, key)}`).join(' ')],
    ['pictures', checkSharp],
    ['model files', async () => checkModelFiles(await model())],
    ['inference', async () => checkInference(config, await model())],
    ['drawing', () => checkDrawing(config)],
    ['hnswlib-node', checkHnsw],
    ['data folder', () => checkDataDir(config)],
    ['storage', () => checkStorage(config)],
    ['consistency', () => checkConsistency(config, repair)],
    ['collection', () => checkCollection(config)],
  ]
  for (const [name, run] of checks) {
    const finding = await run().catch((error: unknown) => {
      return { state: 'error' as const, detail: messageOf(error) }
    })
    yield { name, ...(typeof finding === 'string' ? { state: 'ok', detail: finding } : finding) }
  }
}

/** Settings as text; a database URL may hold a password. */
function shown(config: Config, key: keyof Config): string {
  if (key === 'databaseUrl') return config.databaseUrl ? 'set' : 'unset'
  return String(config[key])
}

/** What happened to a database that was repaired, and what to do now. */
export function repairText({ reason, from, brokenKeptAt }: Repair): string {
  const outcome = from
    ? `restored as it was on ${from.toISOString().slice(0, 16).replace('T', ' ')} UTC`
    : 'begun anew'
  const kept = brokenKeptAt ? ` (the damaged one is kept in ${brokenKeptAt})` : ''
  return `the database was damaged: ${reason}; it was ${outcome}${kept}. No picture is lost: lucida index brings back what is missing`
}

async function checkSharp(): Promise<Finding> {
  const formats = ['jpeg', 'png', 'webp', 'heif', 'gif', 'tiff', 'svg'] as const
  const missing = formats.filter((format) => !sharp.format[format].input.buffer)
  if (missing.length > 0)
    return { state: 'error', detail: `sharp cannot read ${missing.join(', ')}` }
  return `sharp ${sharp.versions.sharp}, libvips ${sharp.versions.vips}`
}

/** The one that a setting names, else the collection's own. */
async function modelOf(config: Config): Promise<ModelSpec> {
  // What is wrong with the database is told by a check of its own.
  const [own = DEFAULT_MODEL] = await listModelsInUse(config).catch(() => [])
  return findModel(config.model ?? own, config.modelsDir)
}

async function checkModelFiles(model: ModelSpec): Promise<Finding> {
  await verifyModel(model)
  return `${model.name}: ${Object.keys(model.files).length} files as in its manifest`
}

async function checkInference(config: Config, model: ModelSpec): Promise<Finding> {
  const clip = openClip(model, config)
  try {
    const grey = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#888' } })
      .png()
      .toBuffer()
    await clip.embedPixels([await clip.preprocess(grey)])
    await clip.embedTexts(['a photo'])
    const provider = await clip.provider()
    const detail = `onnxruntime runs both towers on ${provider.used}`
    const fallback = fallbackText(provider)
    return fallback ? { state: 'warning', detail: `${fallback}; ${detail}` } : detail
  } finally {
    await clip.close()
  }
}

/** Everything but drawing works without it. */
async function checkDrawing(config: Config): Promise<Finding> {
  try {
    const pipeline = await findPipeline(config.generator, config.modelsDir)
    await verifyModel(pipeline)
    return `${pipeline.name}: ${Object.keys(pipeline.files).length} files as in its manifest`
  } catch (error) {
    return { state: 'warning', detail: `nothing can be drawn: ${messageOf(error)}` }
  }
}

async function checkHnsw(): Promise<Finding> {
  if (await hnswAvailable()) return 'present'
  const detail =
    'not installed, so every search scans the whole collection exactly (right, but slow beyond ' +
    'some 100,000 pictures); install a C++ compiler and Python, then run npm install again'
  return { state: 'warning', detail }
}

async function checkDataDir(config: Config): Promise<Finding> {
  await mkdir(config.dataDir, { recursive: true })
  await access(config.dataDir, constants.R_OK | constants.W_OK)
  return config.dataDir
}

/** Where Lucida keeps what is drawn and uploaded. */
async function checkStorage({ storage, dataDir }: Config): Promise<Finding> {
  if (storage === undefined) return `in the data folder ${dataDir}`
  if (isBucketPath(storage)) {
    await openSource(storage).exists(storage)
    return `${storage} may be listed`
  }
  await mkdir(storage, { recursive: true })
  await access(storage, constants.R_OK | constants.W_OK)
  return storage
}

/** What is wrong with those of the roots that are buckets. */
async function bucketTroubles(roots: readonly { readonly path: string }[]): Promise<string[]> {
  const buckets = roots.filter(({ path }) => isBucketPath(path))
  const troubles = await Promise.all(
    buckets.map(({ path }) =>
      openSource(path)
        .exists(path)
        .then(
          (exists) => (exists ? [] : [`nothing lies below ${path}`]),
          (error: unknown) => [messageOf(error)],
        ),
    ),
  )
  return troubles.flat()
}

async function checkConsistency(config: Config, repair: boolean): Promise<Finding> {
  if (!hasCollection(config)) return 'there is no collection yet'
  const { found, repaired } = await examine(config, repair)
  const left = found.filter(({ mended }) => !mended)
  const about = repaired ? `${repairText(repaired)}; ` : ''
  if (found.length === 0) {
    const detail = `${about}database and files fit together`
    return repaired ? { state: 'warning', detail } : detail
  }
  const counts = `${found.length} kinds of inconsistency, ${found.length - left.length} mended`
  const advice = left.some(({ remedy }) => remedy === null)
    ? ': lucida doctor --repair mends them'
    : ''
  return {
    state: left.length > 0 ? 'error' : 'warning',
    detail: `${about}${counts}${advice}`,
    inconsistencies: found,
  }
}

async function checkCollection(config: Config): Promise<Finding> {
  const lucida = await openResolved(config)
  try {
    const { database, index, searchable, roots, repaired } = await lucida.status()
    const detail = `${searchable} pictures of ${roots.length} folders (${database}, ${index} index)`
    const wrong = [...(repaired ? [repairText(repaired)] : []), ...(await bucketTroubles(roots))]
    return wrong.length > 0 ? { state: 'warning', detail: [...wrong, detail].join('; ') } : detail
  } finally {
    await lucida.close()
  }
}
