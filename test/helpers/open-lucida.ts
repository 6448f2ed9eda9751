// Lucida as a program opens it, at a test's place, and a dozen pictures that it can tell apart.
import { type IndexCounts, type Lucida, openLucida, type PartialConfig } from '../../src/lucida.ts'
import type { TestPlace } from './database.ts'
import { drawPicture } from './noise-pictures.ts'
import type { TestFolder } from './picture-folder.ts'

/** Opens Lucida with the built-in model, whatever the environment says. */
export async function openAt(place: TestPlace, options: PartialConfig = {}): Promise<Lucida> {
  const { dataDir, databaseUrl } = place
  return openLucida({
    dataDir,
    databaseUrl,
    model: 'lucida-clip-1',
    vectorIndex: 'exact',
    threads: 1,
    ...options,
  })
}

/** Indexes to the end and returns the counts of the last folder. */
export async function indexAll(
  lucida: Lucida,
  folders: readonly string[],
  options: Parameters<Lucida['index']>[1] = {},
): Promise<IndexCounts> {
  let counts: IndexCounts | undefined
  for await (const event of lucida.index(folders, options)) {
    if (event.type === 'done') counts = event.counts
  }
  return counts!
}

const DRAWINGS: Readonly<Record<string, readonly [colour: string, shape?: string]>> = {
  red: ['#c81414'],
  green: ['#14a028'],
  blue: ['#1432d2'],
  yellow: ['#f0dc28'],
  black: ['#000000'],
  white: ['#ffffff'],
  disc: ['#ffffff', '<circle cx="48" cy="48" r="30" fill="#d02020"/>'],
  ring: ['#202840', '<circle cx="48" cy="48" r="30" fill="none" stroke="#fff" stroke-width="8"/>'],
  square: ['#f5e6c8', '<rect x="20" y="20" width="56" height="56" fill="#204080"/>'],
  triangle: ['#a8d8ff', '<path d="M48 12 L84 84 L12 84 Z" fill="#306030"/>'],
  stripes: ['#ffffff', '<path d="M0 16H96M0 48H96M0 80H96" stroke="#000" stroke-width="14"/>'],
  horizon: ['#78b4f0', '<rect y="56" width="96" height="40" fill="#d8b878"/>'],
}

/** Writes a dozen drawings as `<name>.png` and returns their names. */
export async function writeDrawings(folder: TestFolder): Promise<string[]> {
  const names = Object.keys(DRAWINGS)
  for (const name of names) {
    await folder.write(`${name}.png`, await drawPicture(...DRAWINGS[name]!))
  }
  return names
}
