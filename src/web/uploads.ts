// Pictures from this browser to search by: dropped, pasted or chosen. Their bytes stay in the page and
// are sent with each search; nothing is stored anywhere.

/** A picture to search by. */
export interface Upload {
  readonly name: string
  readonly base64: string
  /** For an <img>. */
  readonly url: string
}

/** Larger files are refused before they are read. */
const MAX_FILE_BYTES = 50_000_000
/** Smaller ones are sent as they are; nine megabytes become the twelve that the server takes. */
const SEND_BYTES = 1_000_000
const MAX_SEND_BYTES = 8_500_000
/** More pixels than any model looks at. */
const EDGE = 1024

const uploads = new Map<string, Upload>()
let number = 0

export const findUpload = (key: string): Upload | undefined => uploads.get(key)

/** Takes a file in and returns its key. Throws an Error whose message is for the person. */
export async function takeUpload(file: File): Promise<string> {
  if (file.type !== '' && !file.type.startsWith('image/')) {
    throw new Error(`${file.name} is not a picture.`)
  }
  if (file.size > MAX_FILE_BYTES) {
    throw new Error(`${file.name} is larger than ${MAX_FILE_BYTES / 1e6} MB.`)
  }
  const sent = file.size > SEND_BYTES ? await shrink(file) : file
  if (sent.size > MAX_SEND_BYTES) {
    const message = 'is too large for a format that this browser cannot make smaller.'
    throw new Error(`${file.name} ${message}`)
  }
  const key = `upload-${++number}`
  const base64 = await toBase64(sent)
  uploads.set(key, { name: file.name, base64, url: URL.createObjectURL(sent) })
  return key
}

/** Smaller where the browser can read the format, as it is where not. */
async function shrink(file: File): Promise<Blob> {
  const bitmap = await createImageBitmap(file).catch(() => null)
  if (!bitmap) return file
  const scale = Math.min(1, EDGE / Math.max(bitmap.width, bitmap.height))
  const size = [bitmap.width, bitmap.height].map((edge) => Math.max(1, Math.round(edge * scale)))
  const canvas = new OffscreenCanvas(size[0]!, size[1]!)
  const context = canvas.getContext('2d')!
  // Transparent pictures lie on white for the model too.
  context.fillStyle = '#fff'
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.imageSmoothingQuality = 'high'
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
  bitmap.close()
  return canvas.convertToBlob({ type: 'image/jpeg', quality: 0.92 })
}

async function toBase64(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer())
  let text = ''
  // String.fromCharCode takes no more arguments than fit on the stack.
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192))
  }
  return btoa(text)
}
