// A backup as a file (docs/backup.md): a line that says what it is, a gzip stream of blocks, and a
// last line with the SHA-256 of everything before it. A block is a line of JSON and as many bytes as
// that says.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import type { z } from 'zod'
import { isSystemError, LucidaError, systemCode } from '../core/errors.ts'
import { systemReason } from '../sources/read-file.ts'
import { ByteSource } from '../store/snapshot.ts'
import {
  type Block,
  blockSchema,
  damaged,
  malformed,
  type Manifest,
  manifestSchema,
  newer,
  type TableBlock,
  tableSchema,
} from './blocks.ts'

const MAGIC = 'lucida-backup '
/** Of the file; every version ends with the same checksum. */
const FORMAT = 1
const FIRST_LINE = Buffer.from(`${MAGIC}${FORMAT}\n`)
/** A line feed, `sha256 `, 64 digits and a line feed. */
const SEAL_BYTES = 73

/** Writes a backup to `path`, which is replaced. It is on the disk once this returns. */
export async function writeBlocks(
  path: string,
  manifest: Manifest,
  blocks: AsyncIterable<Block>,
  signal?: AbortSignal,
): Promise<void> {
  // Vectors and pictures hardly compress: a higher level takes longer for nothing.
  const gzip = createGzip({ level: 1 })
  // What lies there may be a link, or readable by others.
  await rm(path, { force: true })
  const file = await open(path, 'wx', 0o600)
  const out = file.createWriteStream({ flush: true })
  await pipeline(Readable.from(bytesOf(manifest, blocks)), gzip, seal, out, { signal })
}

async function* bytesOf(manifest: Manifest, blocks: AsyncIterable<Block>) {
  const line = (header: object) => Buffer.from(`${JSON.stringify(header)}\n`)
  yield line(manifest)
  for await (const block of blocks) {
    if ('end' in block) yield line(block)
    else if ('json' in block) {
      const { json, ...header } = block
      const payload = Buffer.from(json)
      yield line({ ...header, bytes: payload.length })
      yield payload
    } else {
      const { content, ...header } = block
      yield line(header)
      yield* content
    }
  }
}

/** Puts the first line before and the checksum behind what is compressed. */
async function* seal(compressed: AsyncIterable<Buffer>) {
  const hash = createHash('sha256')
  hash.update(FIRST_LINE)
  yield FIRST_LINE
  for await (const chunk of compressed) {
    hash.update(chunk)
    yield chunk
  }
  yield sealOf(hash.digest('hex'))
}

const sealOf = (digest: string) => Buffer.from(`\nsha256 ${digest}\n`)

/**
 * Reads a backup to its end and compares its checksum. Throws `not_found`, `bad_input` for what is no
 * backup or one of a newer version, `checksum_mismatch` for one that is not whole.
 */
export async function checkFile(path: string, signal?: AbortSignal): Promise<Manifest> {
  const file = await openFile(path)
  let format: number
  try {
    format = await checkSeal(file, path, signal)
  } catch (error) {
    throw isSystemError(error) ? unreadable(path, error) : error
  } finally {
    await file.close()
  }
  if (format > FORMAT) throw newer(path, `its format is ${format}`)
  const blocks = openBlocks(path, (await sizeOf(path)) - SEAL_BYTES)
  try {
    return await readLine(blocks.source, manifestSchema, path)
  } finally {
    blocks.close()
  }
}

/** Returns the number of its format. */
async function checkSeal(file: FileHandle, path: string, signal?: AbortSignal): Promise<number> {
  const { size } = await file.stat()
  const head = await readPart(file, 0, Math.min(size, MAGIC.length))
  if (!MAGIC.startsWith(head.toString('latin1'))) {
    const message = `${path} is no backup of Lucida; give a file that lucida backup has written`
    throw new LucidaError('bad_input', message)
  }
  const end = size - SEAL_BYTES
  if (end < FIRST_LINE.length) throw damaged(path)
  const hash = createHash('sha256')
  const stream = file.createReadStream({ start: 0, end: end - 1, autoClose: false, signal })
  for await (const chunk of stream) hash.update(chunk as Buffer)
  if (!sealOf(hash.digest('hex')).equals(await readPart(file, end, SEAL_BYTES))) {
    throw damaged(path)
  }
  const firstLine = (await readPart(file, 0, 32)).toString('latin1').split('\n')[0]!
  return Number(firstLine.slice(MAGIC.length))
}

async function readPart(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}

/** The blocks of a backup that has been checked, without its manifest. */
export async function* readBlocks(path: string): AsyncGenerator<Block> {
  const blocks = openBlocks(path, (await sizeOf(path)) - SEAL_BYTES)
  const { source } = blocks
  try {
    await source.line()
    for (;;) {
      const header = await readLine(source, blockSchema, path)
      if ('end' in header) {
        yield header
        return await source.end()
      }
      if ('file' in header) yield { ...header, content: source.take(header.bytes) }
      else yield await readTable(source, header)
    }
  } finally {
    blocks.close()
  }
}

/** Throws `bad_input` for what no version of Lucida has written, though its checksum matches. */
async function readLine<T>(source: ByteSource, schema: z.ZodType<T>, path: string): Promise<T> {
  try {
    return schema.parse(JSON.parse(await source.line()))
  } catch (cause) {
    if (isSystemError(cause)) throw cause
    throw malformed(path, 'it holds what cannot be understood', cause)
  }
}

async function readTable(
  source: ByteSource,
  { bytes, ...header }: z.infer<typeof tableSchema>,
): Promise<TableBlock> {
  const parts: Buffer[] = []
  for await (const part of source.take(bytes)) parts.push(part)
  return { ...header, json: Buffer.concat(parts).toString() }
}

function openBlocks(path: string, end: number) {
  const file = createReadStream(path, { start: FIRST_LINE.length, end: end - 1 })
  const unpacked = createGunzip()
  // What fails while reading comes out of the unpacked stream.
  file.on('error', (error) => unpacked.destroy(error))
  return {
    source: new ByteSource(file.pipe(unpacked)),
    close() {
      file.destroy()
      unpacked.destroy()
    },
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw unreadable(path, error)
    throw new LucidaError('not_found', `There is no file ${path}`, { cause: error })
  }
}

function unreadable(path: string, cause: unknown): LucidaError {
  return new LucidaError('unreadable', `${path} cannot be read (${systemReason(cause)})`, { cause })
}

async function sizeOf(path: string): Promise<number> {
  const file = await openFile(path)
  try {
    return (await file.stat()).size
  } finally {
    await file.close()
  }
}
