// Photographs of 12 megapixels, as cameras make them: small ones enlarged, with sensor noise, so
// that a file has the megabytes, and a decoder the work, of a real one.
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { readPictures } from './datasets.ts'

const WIDTH = 4000
const HEIGHT = 3000
/** Standard deviation of the noise, in steps of 255: a camera at ISO 800 or so. */
const NOISE_SIGMA = 6

/** Makes `count` JPEGs in `folder`, which is kept between runs. Returns how many were new. */
export async function makeLargePhotos(folder: string, count: number): Promise<number> {
  await mkdir(folder, { recursive: true })
  const there = new Set(await readdir(folder))
  const small = [...(await readPictures('flickr8k-dev')).values()]
  const noise = await sharp({
    create: {
      width: WIDTH + 256,
      height: HEIGHT + 256,
      channels: 3,
      background: '#808080',
      noise: { type: 'gaussian', mean: 128, sigma: NOISE_SIGMA },
    },
  })
    .raw()
    .toBuffer()
  let made = 0
  for (let i = 0; i < count; i++) {
    const name = `photo-${String(i).padStart(4, '0')}.jpg`
    if (there.has(name)) continue
    const grain = await sharp(noise, {
      raw: { width: WIDTH + 256, height: HEIGHT + 256, channels: 3 },
    })
      .extract({ left: (i * 37) % 256, top: (i * 91) % 256, width: WIDTH, height: HEIGHT })
      .png({ compressionLevel: 0 })
      .toBuffer()
    await sharp(small[i % small.length])
      .resize(WIDTH, HEIGHT, { fit: 'fill', kernel: 'cubic' })
      .composite([{ input: grain, blend: 'hard-light' }])
      .jpeg({ quality: 90 })
      .toFile(join(folder, name))
    made++
  }
  return made
}
