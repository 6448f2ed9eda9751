// Tiny pictures made on the spot from a seed: any number of them, all different.
import { createHash } from 'node:crypto'
import sharp from 'sharp'

/** Bytes that look random and are the same for the same seed. */
export function noise(seed: string | number, length: number): Buffer {
  return createHash('shake256', { outputLength: length }).update(String(seed)).digest()
}

/** A picture of 8 × 8 random pixels. */
export async function makePicture(
  seed: string | number,
  format: 'png' | 'jpeg' = 'png',
): Promise<Buffer> {
  return noisy(seed)[format]().toBuffer()
}

/** The same as a JPEG from a camera, taken at the second `seed` of 2021. */
export async function makePhoto(seed: number): Promise<Buffer> {
  const takenAt = new Date(Date.UTC(2021, 0, 1, 0, 0, seed)).toISOString()
  const DateTimeOriginal = takenAt.slice(0, 19).replaceAll('-', ':').replace('T', ' ')
  return noisy(seed)
    .jpeg()
    .withExif({ IFD0: { Make: 'Lucida', Model: `M${seed}` }, IFD2: { DateTimeOriginal } })
    .toBuffer()
}

/** What is left of a picture whose download broke off. */
export async function makeBrokenPicture(seed: string | number): Promise<Buffer> {
  const whole = await makePicture(seed, 'jpeg')
  return whole.subarray(0, whole.length / 2)
}

/** A square picture of one colour, with an SVG shape on it. */
export async function drawPicture(colour: string, shape = ''): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96">
    <rect width="96" height="96" fill="${colour}"/>${shape}</svg>`
  return sharp(Buffer.from(svg)).png().toBuffer()
}

/** Soft blobs of colour, 96 pixels a side: structure without edges. */
export async function makeBlobs(seed: string | number): Promise<Buffer> {
  return sharp(noise(seed, 6 * 6 * 3), { raw: { width: 6, height: 6, channels: 3 } })
    .resize(96, 96, { kernel: 'cubic' })
    .png()
    .toBuffer()
}

function noisy(seed: string | number) {
  return sharp(noise(seed, 8 * 8 * 3), { raw: { width: 8, height: 8, channels: 3 } })
}
