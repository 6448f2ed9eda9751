// The last-good snapshot: the files of a closed database packed into one file, which is replaced
// atomically. gzip without compression around it, for its checksum: vectors do not compress.
import { createReadStream, readdirSync, statSync } from 'node:fs'
import { mkdir, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { replaceFile } from '../core/durable-file.ts'

/** What a snapshot says about itself, in its first line. */
export interface SnapshotHeader {
  /** Identity of the database that it was taken of. */
  readonly storeId: string
  /** Its last change. */
  readonly sequence: number
  /** When taking it began, in milliseconds since 1970. */
  readonly takenAt: number
}

interface Header extends SnapshotHeader {
  readonly format: 1
  readonly folders: readonly string[]
  readonly files: readonly { readonly path: string; readonly sizeBytes: number }[]
}

const LONGEST_HEADER = 16 * 1024 * 1024

/** Packs `folder`, which nobody may be writing to, into the file `target`. */
export async function packFolder(
  folder: string,
  target: string,
  about: SnapshotHeader,
): Promise<void> {
  const { folders, files } = listFolder(folder)
  const header: Header = { ...about, format: 1, folders, files }
  async function* parts() {
    yield Buffer.from(`${JSON.stringify(header)}\n`)
    for (const { path, sizeBytes } of files) {
      let left = sizeBytes
      for await (const part of createReadStream(join(folder, path), { highWaterMark: 1 << 20 })) {
        left -= (part as Buffer).length
        yield part
      }
      if (left !== 0) throw new Error(`${path} changed while it was packed`)
    }
  }
  const packed = createGzip({ level: 0 })
  const feeding = pipeline(parts(), packed)
  // What it fails with comes out of `packed` too.
  feeding.catch(() => {})
  await replaceFile(target, packed, 0o600)
  await feeding
}

/** Reads a snapshot to its end. Throws when it is not whole. */
export async function verifySnapshot(source: string): Promise<void> {
  await pipeline(createReadStream(source), createGunzip(), async (parts) => {
    for await (const _ of parts) continue
  })
}

/** Unpacks `source` into the new `folder`. Throws when it is not whole. */
export async function unpackFolder(source: string, folder: string): Promise<SnapshotHeader> {
  const { bytes, close } = openPacked(source)
  try {
    const header = parseHeader(await bytes.line())
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const path of header.folders) await mkdir(join(folder, path), { recursive: true })
    for (const { path, sizeBytes } of header.files) {
      const file = await open(join(folder, path), 'w')
      try {
        for await (const part of bytes.take(sizeBytes)) await file.writeFile(part)
        await file.sync()
      } finally {
        await file.close()
      }
    }
    // The checksum is compared at the end of the stream.
    await bytes.end()
    return header
  } finally {
    close()
  }
}

/** What `source` says about itself, and its size; null when there is none or it is no snapshot. */
export async function readHeader(
  source: string,
): Promise<(SnapshotHeader & { writtenAt: number }) | null> {
  const found = await stat(source).catch(() => null)
  if (!found) return null
  const { bytes, close } = openPacked(source)
  try {
    return { ...parseHeader(await bytes.line()), writtenAt: found.mtimeMs }
  } catch {
    return null
  } finally {
    close()
  }
}

function openPacked(source: string): { readonly bytes: ByteSource; readonly close: () => void } {
  const file = createReadStream(source)
  const unpacked = createGunzip()
  // What fails while reading comes out of the unpacked stream.
  file.on('error', (error) => unpacked.destroy(error))
  return {
    bytes: new ByteSource(file.pipe(unpacked)),
    close() {
      file.destroy()
      unpacked.destroy()
    },
  }
}

/**
 * All files of a folder with their sizes, and its folders, in the order of their paths. Synchronous:
 * a thousand small calls take 10 ms so, and many times as long through the thread pool.
 */
export function listFolder(folder: string): {
  folders: string[]
  files: { path: string; sizeBytes: number; mtimeMs: number }[]
} {
  const folders: string[] = []
  const files: { path: string; sizeBytes: number; mtimeMs: number }[] = []
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const found = statSync(join(folder, path))
    if (found.isDirectory()) folders.push(path)
    else if (found.isFile()) files.push({ path, sizeBytes: found.size, mtimeMs: found.mtimeMs })
  }
  return { folders, files }
}

function parseHeader(line: string): Header {
  const header = JSON.parse(line) as Header
  if (header.format !== 1) throw new Error('The snapshot is of another format')
  return header
}

/** Reads a stream piece by piece: lines, and stretches of known length. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(stream: AsyncIterable<Buffer>) {
    this.#chunks = stream[Symbol.asyncIterator]()
  }

  async line(): Promise<string> {
    const parts: Buffer[] = []
    for (let length = 0; length < LONGEST_HEADER; length += parts.at(-1)!.length) {
      await this.#fill()
      const at = this.#rest.indexOf(10)
      if (at >= 0) {
        parts.push(this.#rest.subarray(0, at))
        this.#rest = this.#rest.subarray(at + 1)
        return Buffer.concat(parts).toString()
      }
      parts.push(this.#rest)
      this.#rest = Buffer.alloc(0)
    }
    throw new Error('The snapshot has no header')
  }

  async *take(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      await this.#fill()
      const part = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(part.length)
      left -= part.length
      yield part
    }
  }

  async end(): Promise<void> {
    const next = this.#rest.length > 0 ? { done: false } : await this.#chunks.next()
    if (!next.done) throw new Error('The snapshot is longer than it says')
  }

  async #fill(): Promise<void> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next()
      if (next.done) throw new Error('The snapshot ends too early')
      this.#rest = next.value
    }
  }
}
