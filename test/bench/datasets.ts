// The data sets that benchmarks run on: LUCIDA_DATASETS holds NAME.tar (pictures, in order) beside
// NAME.jsonl (one line per picture: file, then captions or labels). They never enter the project.
import { createReadStream } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { extract, Parser } from 'tar'

/** One line of NAME.jsonl. */
export interface DatasetRow {
  readonly file: string
  /** Of Flickr's photographs: the name of the file there. */
  readonly id?: string
  /** Of Tiny ImageNet: the class. */
  readonly wnid?: string
  readonly captions?: readonly string[]
  readonly labels?: readonly string[]
}

/** The data folder. Throws with the remedy when it is not named. */
export function datasetsFolder(): string {
  const folder = process.env.LUCIDA_DATASETS
  if (!folder) throw new Error('This needs LUCIDA_DATASETS, a folder of NAME.tar and NAME.jsonl')
  return folder
}

/** Names of all sets. */
export async function datasetNames(): Promise<string[]> {
  const names = await readdir(datasetsFolder())
  return names.filter((name) => name.endsWith('.tar')).map((name) => name.slice(0, -4))
}

/** Rows of one set, in order. */
export async function readRows(name: string): Promise<DatasetRow[]> {
  const text = await readFile(join(datasetsFolder(), `${name}.jsonl`), 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as DatasetRow)
}

/** Unpacks the pictures of one set into a folder. */
export async function unpack(name: string, folder: string): Promise<void> {
  await extract({ file: join(datasetsFolder(), `${name}.tar`), cwd: folder })
}

/** The pictures of one set as files in memory, by name. */
export async function readPictures(name: string): Promise<Map<string, Buffer>> {
  const pictures = new Map<string, Buffer>()
  const parser = new Parser({
    onReadEntry: (entry) => {
      const chunks: Buffer[] = []
      entry.on('data', (chunk: Buffer) => chunks.push(chunk))
      entry.on('end', () => pictures.set(entry.path, Buffer.concat(chunks)))
    },
  })
  await pipeline(createReadStream(join(datasetsFolder(), `${name}.tar`)), parser)
  return pictures
}
