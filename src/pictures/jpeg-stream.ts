// What the first bytes of a JPEG stream say (ITU-T T.81, annex B), and an orientation put into one.

/** Size of a JPEG that viewers can show; null for anything else, such as a camera's lossless data. */
export function jpegSize(bytes: Uint8Array): { widthPx: number; heightPx: number } | null {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 2; at + 9 <= view.length; ) {
    if (view[at] !== 0xff) return null
    const marker = view[at + 1]!
    // Filling, and markers without content.
    if (marker === 0xff) at++
    else if (marker === 0x01) at += 2
    else if (marker >= 0xc0 && marker <= 0xc2) {
      const [bits, heightPx, widthPx] = [
        view[at + 4],
        view.readUInt16BE(at + 5),
        view.readUInt16BE(at + 7),
      ]
      return bits === 8 && widthPx > 0 && heightPx > 0 ? { widthPx, heightPx } : null
    } else if (isOtherFrame(marker) || (marker >= 0xd8 && marker <= 0xda)) return null
    else at += 2 + view.readUInt16BE(at + 2)
  }
  return null
}

/** Lossless, hierarchical and arithmetic frames. */
function isOtherFrame(marker: number): boolean {
  return marker >= 0xc3 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
}

/** The same picture with an EXIF orientation at its start. */
export function withOrientation(jpeg: Uint8Array, orientation: number): Uint8Array {
  const segment = Buffer.from(
    '\xff\xe1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0\0\0\0\0',
    'latin1',
  )
  segment.writeUInt16LE(orientation, 28)
  return Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)])
}
