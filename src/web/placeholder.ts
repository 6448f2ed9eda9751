// ThumbHash → a blurred picture to look at until the real one is there.
import { thumbHashToDataURL } from 'thumbhash'

const made = new Map<string, string>()

/** A CSS background; none where nothing is known, or the hash is not one. */
export function placeholder(thumbHash: string | null): string {
  if (thumbHash === null) return 'none'
  let background = made.get(thumbHash)
  if (background === undefined) {
    background = draw(thumbHash)
    made.set(thumbHash, background)
  }
  return background
}

function draw(thumbHash: string): string {
  try {
    const bytes = Uint8Array.from(atob(thumbHash), (letter) => letter.charCodeAt(0))
    return `url("${thumbHashToDataURL(bytes)}")`
  } catch {
    return 'none'
  }
}
