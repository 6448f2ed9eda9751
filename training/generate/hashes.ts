// Perceptual hashes of every training picture of the generator, so that the program can say when what
// it has drawn is a near copy of one: sorted 64-bit numbers, little endian.
//
//   tsx training/generate/hashes.ts [FOLDER]     default models/lucida-unclip-1
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describePicture } from '../../src/indexer/decode.ts'
import { openPicture } from '../../src/pictures/open-picture.ts'
import { type DatasetRow, readPictures, readRows } from '../../test/bench/datasets.ts'

/** As `SETS` in settings.py. */
const SETS = [
  'flickr8k-train',
  'coco-train',
  'scenes-train',
  'caltech101-train',
  'grocery',
  'clothing',
  'flowers-train',
]

/** As `class_of` and `held_out_classes` in ../clip/datasets.py. */
const firstLabel = (row: DatasetRow) => row.labels?.[0] ?? ''

function heldOut(name: string, rows: readonly DatasetRow[]): Set<string> {
  if (name === 'flowers-train') return new Set(['tulip'])
  if (name !== 'caltech101-train') return new Set()
  return new Set([...new Set(rows.map(firstLabel))].toSorted().slice(-10))
}

async function hashesOf(name: string): Promise<bigint[]> {
  const rows = await readRows(name)
  const pictures = await readPictures(name)
  const hidden = heldOut(name, rows)
  const seen = rows.filter((row, index) => index % 20 !== 7 && !hidden.has(firstLabel(row)))
  const hashes: bigint[] = []
  for (const { file } of seen) {
    const { perceptualHash } = await describePicture(await openPicture(pictures.get(file)!))
    hashes.push(BigInt(`0x${perceptualHash}`))
  }
  process.stdout.write(`${name}: ${hashes.length}\n`)
  return hashes
}

const folder =
  process.argv[2] ?? fileURLToPath(new URL('../../models/lucida-unclip-1', import.meta.url))
const all = new Set<bigint>()
for (const name of SETS) for (const hash of await hashesOf(name)) all.add(hash)
const sorted = BigUint64Array.from(all).sort()
const bytes = Buffer.alloc(sorted.length * 8)
sorted.forEach((hash, i) => bytes.writeBigUInt64LE(hash, i * 8))
await mkdir(folder, { recursive: true })
await writeFile(join(folder, 'training-hashes.bin'), bytes)
process.stdout.write(`${sorted.length} different hashes\n`)
