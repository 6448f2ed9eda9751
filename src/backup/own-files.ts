// Lucida's own pictures: what lies in roots inside its data directory, and nowhere else.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { LucidaError, systemCode } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'
import type { FileBlock, Manifest } from './file.ts'

export type OwnRoot = Manifest['own'][number]

/** Of `roots`, those inside the data directory, which is given by its real path. */
export function findOwn(roots: readonly string[], dataDir: string): OwnRoot[] {
  return roots
    .filter((path) => path.startsWith(dataDir + sep))
    .map((path) => ({ path, name: relative(dataDir, path).split(sep).join('/') }))
}

/** All files of own roots; drafts and what goes while it is read are left out. */
export async function* readOwnFiles(own: readonly OwnRoot[]): AsyncGenerator<FileBlock> {
  for (const { path, name } of own) {
    for (const file of await filesIn(path)) {
      const handle = await open(join(path, file)).catch((error: unknown) => {
        if (systemCode(error) === 'ENOENT') return null
        throw error
      })
      if (!handle) continue
      try {
        const { size: bytes } = await handle.stat()
        yield {
          file: `${name}/${file.split(sep).join('/')}`,
          bytes,
          content: exactly(handle.createReadStream({ autoClose: false }), bytes, join(path, file)),
        }
      } finally {
        await handle.close()
      }
    }
  }
}

async function filesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true }).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  })
  const files: string[] = []
  for (const name of names.filter((name) => !name.endsWith('.tmp')).sort()) {
    const found = await lstat(join(folder, name)).catch(() => null)
    if (found?.isFile()) files.push(name)
  }
  return files
}

async function* exactly(content: AsyncIterable<Uint8Array>, bytes: number, path: string) {
  let left = bytes
  for await (const part of content) {
    left -= part.length
    if (left < 0) break
    yield part
  }
  if (left === 0) return
  throw new LucidaError('file_changed', `${path} changed while it was read; make the backup again`)
}

/** A file that was put into the data directory. */
export interface RestoredFile {
  readonly path: string
  readonly content: ContentHash
  readonly mtimeMs: number
  /** Whether it was not there before. */
  readonly isNew: boolean
}

/**
 * Writes a file into the data directory; one that is there already must be the same. What a kill
 * leaves is overwritten by the next time.
 */
export async function restoreFile(
  { file, content }: FileBlock,
  own: readonly OwnRoot[],
  dataDir: string,
): Promise<RestoredFile> {
  const path = placeOf(file, own, dataDir)
  await mkdir(dirname(path), { recursive: true })
  const draft = `${path}.tmp`
  try {
    const hash = createHash('sha256')
    const handle = await open(draft, 'w')
    try {
      for await (const part of content) {
        hash.update(part)
        await handle.write(part)
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
    const [digest, there] = [hash.digest('hex'), await digestOf(path)]
    if (there !== null && there !== digest) {
      const message = `${path} is there already and is another file; restore into a new data directory (--data-dir)`
      throw new LucidaError('bad_input', message)
    }
    const isNew = there === null
    if (isNew) await rename(draft, path)
    return { path, content: digest, mtimeMs: (await stat(path)).mtimeMs, isNew }
  } finally {
    await rm(draft, { force: true })
  }
}

/** Throws for a name that leads out of its root. */
function placeOf(file: string, own: readonly OwnRoot[], dataDir: string): string {
  const path = resolve(dataDir, file)
  const isOwn = own.some(({ name }) => path.startsWith(resolve(dataDir, name) + sep))
  const isInside = own.every(({ name }) => resolve(dataDir, name).startsWith(dataDir + sep))
  if (!isOwn || !isInside) {
    throw new LucidaError(
      'bad_input',
      `The backup has a file ${file}, which lies in no folder of its own`,
    )
  }
  return path
}

async function digestOf(path: string): Promise<string | null> {
  const hash = createHash('sha256')
  try {
    for await (const part of createReadStream(path)) hash.update(part as Buffer)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  }
  return hash.digest('hex')
}
