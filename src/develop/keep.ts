// Drawn pictures as files: with their marks, and in the collection.
import { type ContentHash, sha256 } from '../core/hash.ts'
import { placeIn } from '../core/place.ts'
import { type ProvenanceRecord, toXmp } from '../generate/provenance.ts'
import { encodePicture } from '../pictures/encode-picture.ts'
import type { Raster } from '../pictures/raster.ts'
import { openSource } from '../sources/open-source.ts'

/** How a drawing becomes another size. */
export interface Resampling {
  readonly width: number
  readonly height: number
  /** `cover` cuts off what does not fit the shape; `fill` stretches. */
  readonly fit: 'cover' | 'fill'
}

/** A PNG that carries its record, resampled where the order asks for another size than was drawn. */
export async function encodeMarked(
  picture: Raster,
  record: Omit<ProvenanceRecord, 'native' | 'resampled'>,
  size: Resampling | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const { widthPx: width, heightPx: height } = picture
  const isResampled = size !== undefined && (size.width !== width || size.height !== height)
  return encodePicture(picture, 'png', {
    xmp: toXmp({
      ...record,
      native: { width, height },
      ...(isResampled && { resampled: { width: size.width, height: size.height } }),
    }),
    ...(isResampled && {
      size: { widthPx: size.width, heightPx: size.height },
      fit: size.fit,
    }),
  })
}

/** Puts a picture into the collection. It is there for good once this returns. */
export async function keepPicture(
  folder: string,
  png: Uint8Array,
  indexFolder: (file: string) => Promise<void>,
): Promise<ContentHash> {
  const hash = sha256(png)
  const name = `${hash.slice(0, 16)}.png`
  const path = placeIn(folder, name)
  await openSource(path).put(path, png)
  await indexFolder(name)
  return hash
}
