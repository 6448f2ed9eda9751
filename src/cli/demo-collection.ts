// The drawn pictures, for whoever has named no folder.
import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { CliIo } from './io.ts'

/** Draws them, and says where they lie and with which settings they are a collection of their own. */
export async function drawDemoCollection(
  io: CliIo,
  config: Config,
): Promise<{ config: Config; folder: string }> {
  // Kept apart, so that drawn pictures never turn up among the user's own.
  const dataDir = join(config.dataDir, 'demo')
  const folder = join(dataDir, 'pictures')
  io.err('no folder given: drawing some pictures to search in\n')
  const { drawDemoPictures } = await import('../demo/draw.ts')
  await drawDemoPictures(folder)
  const { databaseUrl: _, ...own } = config
  return { config: { ...own, dataDir }, folder }
}
