// A folder of drawn pictures that looks like somebody's photographs: in folders, with dates, cameras
// and places, which are all made up.
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join, parse } from 'node:path'
import sharp, { type Exif } from 'sharp'
import { creatures } from '../../src/demo/creatures.ts'
import { drawDemoPictures } from '../../src/demo/draw.ts'
import { places } from '../../src/demo/places.ts'

const CAMERAS = ['Wollaston One', 'Wollaston Pocket', 'Alhazen 35']
/** Roughly Lisbon, Vienna and Reykjavík, in degrees and minutes. */
const SPOTS = [
  ['38/1 43/1 0/1', 'N', '9/1 8/1 0/1', 'W'],
  ['48/1 12/1 0/1', 'N', '16/1 22/1 0/1', 'E'],
  ['64/1 8/1 0/1', 'N', '21/1 56/1 0/1', 'W'],
] as const

/** Draws it into `folder`. */
export async function drawAlbum(folder: string): Promise<void> {
  const drawn = join(folder, 'drawn')
  await drawDemoPictures(drawn)
  const names = (await readdir(drawn)).sort()
  for (const [i, name] of names.entries()) {
    const scene = parse(name).name
    const kind = scene in places ? 'places' : scene in creatures ? 'creatures' : 'things'
    await mkdir(join(folder, kind), { recursive: true })
    await sharp(join(drawn, name))
      .withExif(exifOf(i))
      .toFile(join(folder, kind, name))
  }
  await rm(drawn, { recursive: true })
}

/** A third of them says nothing about itself, as in any collection. */
function exifOf(i: number): Exif {
  if (i % 3 === 2) return {}
  const [latitude, ns, longitude, ew] = SPOTS[i % SPOTS.length]!
  const day = String(1 + (i % 28)).padStart(2, '0')
  return {
    IFD0: { Make: 'Lucida', Model: CAMERAS[i % CAMERAS.length]! },
    IFD2: { DateTimeOriginal: `${2021 + (i % 5)}:07:${day} 18:30:00` },
    ...(i % 2 === 0 && {
      IFD3: {
        GPSLatitudeRef: ns,
        GPSLatitude: latitude,
        GPSLongitudeRef: ew,
        GPSLongitude: longitude,
      },
    }),
  }
}
