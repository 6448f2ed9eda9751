// The client of S3 and of what speaks like it, loaded when the first bucket is used. Where it goes
// and who it is, the SDK's usual chain says: environment, profiles, the machine's role.
import type { S3 } from '@aws-sdk/client-s3'
import { once } from '../core/once.ts'

/** Of one request. The pauses between them grow: about half a minute in all where S3 throttles. */
const ATTEMPTS = 8
const CONNECT_MS = 5_000
/** Without a byte. */
const SILENCE_MS = 30_000

/** One client for all buckets. */
export const s3Client: () => Promise<S3> = once(async () => {
  const { S3 } = await import('@aws-sdk/client-s3')
  const { serviceConfiguredEndpoint, region } = new S3({}).config
  const endpoint = await serviceConfiguredEndpoint?.()
  return new S3({
    // Other vendors mostly know no `https://bucket.host`.
    forcePathStyle: endpoint !== undefined,
    // A bucket says where it lies. Other vendors have no regions, but signatures need one.
    region: () => region().catch(() => 'us-east-1'),
    followRegionRedirects: true,
    // Other vendors refuse the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // The adaptive mode slows all buckets down for one that throttles.
    retryMode: 'standard',
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENCE_MS },
  })
})
