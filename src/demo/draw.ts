// Draws the demonstration pictures into a folder, so that there is something to search at once.
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import pMap from 'p-map'
import sharp from 'sharp'
import { LucidaError, messageOf } from '../core/errors.ts'
import { demoScenes } from './scenes.ts'

/** The format of a picture's file; a few are not JPEG, so that every reader gets some work. */
const formats: Readonly<Record<string, 'png' | 'webp'>> = {
  clock: 'png',
  'hot-air-balloon': 'png',
  'starry-sky': 'png',
  goldfish: 'webp',
  guitar: 'webp',
  'poppy-field': 'webp',
}

/**
 * Draws every picture of the set that `directory` does not hold yet, creating the folder.
 * A picture appears under its name only when it is complete, so an interrupted run can go on.
 * Returns the number of pictures in the set.
 */
export async function drawDemoPictures(directory: string): Promise<number> {
  try {
    await mkdir(directory, { recursive: true })
    await pMap(demoScenes, ([name, scene]) => drawPicture(directory, name, scene), {
      concurrency: availableParallelism(),
    })
  } catch (error) {
    const message = `The example pictures cannot be drawn in ${directory}: ${messageOf(error)}`
    throw new LucidaError('unreadable', message, { cause: error })
  }
  return demoScenes.size
}

async function drawPicture(directory: string, name: string, scene: () => string): Promise<void> {
  const format = formats[name] ?? 'jpeg'
  const path = join(directory, `${name}.${format === 'jpeg' ? 'jpg' : format}`)
  // A crash of the whole machine can leave an empty file behind a completed rename.
  const existing = await stat(path).catch(() => undefined)
  if (existing?.isFile() && existing.size > 0) return

  const unfinished = `${path}.${process.pid}.part`
  try {
    const picture = sharp(Buffer.from(scene())).flatten()
    await picture.toFormat(format, { quality: 88 }).toFile(unfinished)
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
}
