// Labels that somebody has for their pictures: a CSV file of path,label lines, or JSON from path to
// label. A path may be absolute, relative to the file, or the bare name of a picture.
import { readFile } from 'node:fs/promises'
import { basename, dirname, extname, resolve } from 'node:path'
import { LucidaError, messageOf } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'

/** From an absolute path, a bare name or a content's id to its label. */
export type Labels = ReadonlyMap<string, string>

/** More would be no longer a file that somebody has written. */
const MAX_LABELS = 2_000_000

/** Reads a file of labels. Throws `bad_input` naming the line. */
export async function readLabels(path: string): Promise<Labels> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new LucidaError('bad_input', `Cannot read the labels in ${path}: ${messageOf(cause)}`, {
      cause,
    })
  }
  const rows = extname(path).toLowerCase() === '.json' ? jsonRows(text, path) : csvRows(text, path)
  if (rows.length > MAX_LABELS) {
    throw new LucidaError('bad_input', `${path}: Expected at most ${MAX_LABELS} labels`)
  }
  return toLabels(rows, dirname(resolve(path)))
}

/** Paths with a folder in them are of `folder`; bare names and ids stay. */
export function toLabels(
  rows: readonly (readonly [path: string, label: string])[],
  folder: string,
): Labels {
  return new Map(
    rows.map(([path, label]) => [path === basename(path) ? path : resolve(folder, path), label]),
  )
}

/** The label of a picture that lies at `paths`. */
export function labelOf(
  labels: Labels,
  content: ContentHash,
  paths: readonly string[],
): string | undefined {
  const byPath = paths.map((path) => labels.get(path) ?? labels.get(basename(path)))
  return labels.get(content) ?? byPath.find((label) => label !== undefined)
}

function jsonRows(text: string, path: string): [string, string][] {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new LucidaError('bad_input', `${path} is not valid JSON: ${messageOf(cause)}`, { cause })
  }
  const isObject = json !== null && typeof json === 'object' && !Array.isArray(json)
  const rows = isObject ? Object.entries(json as Record<string, unknown>) : []
  if (rows.length === 0 || rows.some(([, label]) => typeof label !== 'string' || label === '')) {
    throw new LucidaError('bad_input', `${path}: Expected an object from paths to labels`)
  }
  return rows as [string, string][]
}

function csvRows(text: string, path: string): [string, string][] {
  const rows = text.split(/\r?\n/).flatMap((line, i): [string, string][] => {
    if (line.trim() === '') return []
    const [at, label, ...more] = splitCsv(line).map((cell) => cell.trim())
    if (!at || !label || more.length > 0) {
      throw new LucidaError('bad_input', `${path}, line ${i + 1}: Expected path,label`)
    }
    return i === 0 && at.toLowerCase() === 'path' ? [] : [[at, label]]
  })
  if (rows.length === 0) throw new LucidaError('bad_input', `${path}: Expected lines of path,label`)
  return rows
}

/** One line of RFC 4180; cells with line breaks in them are not taken. */
function splitCsv(line: string): string[] {
  const cells = line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)
  return [...cells].map(([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '')
}
