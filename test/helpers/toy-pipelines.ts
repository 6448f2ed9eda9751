// The pipelines of test/fixtures/pipelines, and a painter's orders drawn to their ends.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sha256 } from '../../src/core/hash.ts'
import { normalize, type UnitVector } from '../../src/core/vector.ts'
import { Noise } from '../../src/generate/noise.ts'
import { openPainter } from '../../src/generate/painter.ts'
import { type PipelineSpec, readPipeline } from '../../src/generate/pipeline-manifest.ts'
import type { DrawEvent, Drawing, DrawOrder, Painter } from '../../src/generate/types.ts'
import type { Raster } from '../../src/pictures/raster.ts'

export const PIPELINES = fileURLToPath(new URL('../fixtures/pipelines', import.meta.url))

/** A unit vector that depends on the text alone. */
export function embedText(text: string, dimension = 8): UnitVector {
  const seed = Number.parseInt(sha256(text).slice(0, 8), 16)
  return normalize(new Noise(seed).normals(dimension))
}

/** A painter of a toy pipeline, with changes to its manifest. */
export async function openToy(
  name: string,
  changes: Partial<PipelineSpec> = {},
): Promise<Painter & { readonly pipeline: PipelineSpec }> {
  const pipeline = { ...(await readPipeline(join(PIPELINES, name))), ...changes }
  const embedTexts = async (texts: readonly string[]) => texts.map((text) => embedText(text))
  return { ...openPainter(pipeline, { threads: 1, embedTexts }), pipeline }
}

/** The order drawn, and what was told on the way. */
export async function drawAll(
  painter: Painter,
  order: DrawOrder,
): Promise<{ drawings: Drawing[]; events: DrawEvent[] }> {
  const events: DrawEvent[] = []
  const drawing = painter.draw(order)
  for (;;) {
    const next = await drawing.next()
    if (next.done) return { drawings: next.value, events }
    events.push(next.value)
  }
}

/** SHA-256 of each picture's pixels. */
export async function hashesOf(painter: Painter, order: DrawOrder): Promise<string[]> {
  const { drawings } = await drawAll(painter, order)
  return drawings.map(({ picture }) => sha256(picture.data))
}

/** A picture of noise. */
export function noisePicture(widthPx: number, heightPx: number, seed = 9): Raster {
  const data = Uint8Array.from(new Noise(seed).normals(3 * widthPx * heightPx), (value) =>
    Math.max(0, Math.min(255, Math.round(128 + 60 * value))),
  )
  return { data, widthPx, heightPx, channels: 3 }
}

/** Calls `use` with a copy of a pipeline's folder, which it may spoil. */
export async function withCopy<T>(
  name: string,
  use: (directory: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'lucida-pipeline-'))
  try {
    await cp(join(PIPELINES, name), directory, { recursive: true })
    return await use(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** Rewrites a folder's manifest. */
export async function editManifest(
  directory: string,
  // oxlint-disable-next-line typescript/no-explicit-any -- tests break what the types promise
  edit: (manifest: any) => void,
): Promise<void> {
  const path = join(directory, 'pipeline.json')
  const manifest: unknown = JSON.parse(await readFile(path, 'utf8'))
  edit(manifest)
  await writeFile(path, JSON.stringify(manifest))
}
