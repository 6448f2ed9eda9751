// The time of an object's version. S3 tells whole seconds; its entity tag tells versions of one second
// apart, and so becomes the fraction.
import { createHash } from 'node:crypto'

/** Whole steps of 2^-11 ms, which a number of this size holds exactly, up to half a second. */
const STEPS = 2 ** 20

/** Milliseconds since 1970. The same for one version, whoever tells of it: a list, HEAD or GET. */
export function versionTime(modified: Date | undefined, etag: string | undefined): number {
  const seconds = Math.floor((modified?.getTime() ?? 0) / 1000)
  // Some servers leave the quotation marks out in lists; proxies that compress make it a weak one.
  const tag = (etag ?? '').replace(/^W\//, '').replaceAll('"', '')
  const step = createHash('sha256').update(tag).digest().readUInt32LE() % STEPS
  return seconds * 1000 + step / 2 ** 11
}
