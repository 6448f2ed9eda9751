// Which folders may be indexed over HTTP: those inside an indexed one, and new ones only where the
// settings allow it. The owner of the data directory may index any, as from the shell.
import { realpath } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { isWithin } from '../core/folder-range.ts'
import { isBucketPath, placeOf } from '../core/place.ts'
import type { ApiContext, Caller } from './context.ts'
import { RequestError } from './errors.ts'

/** The real path of a folder that may become a root. Throws `forbidden`, `bad_input`. */
export async function assertAddable(
  { allowedRoots }: ApiContext,
  { isOwner }: Caller,
  path: string,
): Promise<string> {
  assertAbsolute(path, 'path')
  if (isOwner) return isBucketPath(path) ? placeOf(path) : path
  if (allowedRoots.length === 0) {
    const message =
      'Folders are added from the shell only (lucida index <folder>); LUCIDA_ALLOWED_ROOTS allows others'
    throw new RequestError('forbidden', message)
  }
  const allowed = await Promise.all(allowedRoots.map(realOrNull))
  // Also for a folder that does not exist: which ones do is nobody's business.
  const real = await realOrNull(path)
  if (real !== null && allowed.some((root) => root !== null && isWithin(real, root))) return real
  throw new RequestError('forbidden', `path: Expected a folder within ${allowedRoots.join(', ')}`)
}

/** The folders, each of which must be an indexed one or lie inside one. Throws `not_found`. */
export async function assertIndexed(
  { lucida }: ApiContext,
  { isOwner }: Caller,
  folders: readonly string[],
): Promise<string[]> {
  const roots = (await lucida.roots()).map(({ path }) => path)
  return Promise.all(
    folders.map(async (folder, i) => {
      assertAbsolute(folder, `folders.${i}`)
      if (isOwner) return isBucketPath(folder) ? placeOf(folder) : folder
      const real = (await realOrNull(folder)) ?? placeOf(folder)
      if (roots.some((root) => isWithin(real, root))) return real
      throw new RequestError('not_found', `folders.${i}: ${folder} is not in an indexed folder`)
    }),
  )
}

/** A bucket has no links, and is not asked. */
async function realOrNull(path: string): Promise<string | null> {
  return isBucketPath(path) ? placeOf(path) : realpath(path).catch(() => null)
}

function assertAbsolute(path: string, field: string): void {
  if (isBucketPath(path) || isAbsolute(path)) return
  throw new RequestError('bad_input', `${field}: Expected an absolute path or s3://bucket/prefix`)
}
