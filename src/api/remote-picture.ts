// Pictures at addresses that a request names: off unless the settings allow it, and never from a
// private address, which is judged when the connection is made (search/fetch-image.ts).
import { type FetchImageOptions, fetchImage } from '../lucida.ts'
import { RequestError } from './errors.ts'

/** A function that fetches, or refuses to. */
export function openRemotePictures(
  isAllowed: boolean,
  resolve: FetchImageOptions['resolve'],
): (url: string, signal: AbortSignal) => Promise<Uint8Array> {
  if (isAllowed) return (url, signal) => fetchImage(url, { signal, resolve })
  return async () => {
    const message = 'url: Remote pictures are not fetched here; LUCIDA_REMOTE_URLS=true allows it'
    throw new RequestError('forbidden', message)
  }
}
