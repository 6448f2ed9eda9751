// What a file says of its own making, in the terms of IPTC's vocabulary of digital sources
// (cv.iptc.org/newscodes/digitalsourcetype), which is where makers of pictures mark what was
// generated.
import type { Sharp } from 'sharp'

/** Made by a trained model, wholly or in part. */
const GENERATED =
  /digitalsourcetype\/(trainedAlgorithmicMedia|compositeWithTrainedAlgorithmicMedia)\b/

/** Whether an XMP packet says that a trained algorithm made the picture, or some of it. */
export function saysGenerated(xmp: Uint8Array | undefined): boolean {
  return xmp !== undefined && GENERATED.test(Buffer.from(xmp).toString('utf8'))
}

/** What is made of a picture that a trained algorithm made says so too. */
export function markedAs(xmp: Uint8Array | undefined, made: Sharp): Sharp {
  return saysGenerated(xmp) ? made.withXmp(Buffer.from(xmp!).toString('utf8')) : made
}
