// A folder of everything that can go wrong with files: what is good is found, what is bad is listed
// with its reason, and nothing else is harmed.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, appendFileSync, constants, rmSync, truncateSync } from 'node:fs'
import { chmod, readFile, symlink, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { crc32, deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { makeBmp } from '../helpers/bitmaps.ts'
import type { CliResult } from '../helpers/cli.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { fakeModel, runIndexing } from '../helpers/fake-indexing.ts'
import { makePicture } from '../helpers/noise-pictures.ts'
import { newFolder, type TestFolder } from '../helpers/picture-folder.ts'
import { makeTiff, thumbnail } from '../helpers/raw-files.ts'
import { sharedDatabase, shownVectors } from '../helpers/shared-store.ts'

const CHILD = fileURLToPath(new URL('../helpers/index-alone.ts', import.meta.url))
/** The user that owns nothing, on most systems called nobody. */
const NOBODY = 65_534
const isRoot = process.getuid?.() === 0
const isWindows = process.platform === 'win32'

/** Why what the owner may read cannot be refused here, or null. */
function whyAllReadable(): string | null {
  if (isWindows) return 'Windows has no permission bits'
  if (!isRoot) return null
  try {
    // Another user must be able to read the program itself.
    const env = { PATH: process.env.PATH ?? '' }
    execFileSync('test', ['-r', CHILD], { uid: NOBODY, gid: NOBODY, env })
    return null
  } catch {
    return 'root reads everything, and nobody else may read this checkout'
  }
}
const allReadable = whyAllReadable()

const drawn = (seed: number, side = 64) =>
  makePicture(seed).then((png) => sharp(png).resize(side, side, { kernel: 'nearest' }))

const fixture = (name: string) => readFile(new URL(`../fixtures/${name}`, import.meta.url))

/** Pictures that are odd, and as good as any other. */
const GOOD: Readonly<Record<string, () => Promise<Uint8Array>>> = {
  'plain.png': () => makePicture('plain'),
  'animated.gif': async () => {
    const frames = await Promise.all([1, 2, 3].map((seed) => makePicture(seed)))
    return sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer()
  },
  'cmyk.jpg': async () => (await drawn(10)).toColourspace('cmyk').jpeg().toBuffer(),
  'deep.tif': async () =>
    (await drawn(11)).toColourspace('rgb16').tiff({ compression: 'lzw' }).toBuffer(),
  'really a jpeg.png': () => makePicture(12, 'jpeg'),
  'no extension': () => makePicture(13),
  '$(reboot) `x` & ;.png': () => makePicture(14),
  '100%_sure.png': () => makePicture(15),
  '-rf.png': () => makePicture(16),
  "it's.png": () => makePicture(17),
  'Grüße 日本 🦆.png': () => makePicture(18),
  'balloon.heic': () => fixture('balloon.heic'),
  'balloon.jxl': () => fixture('balloon.jxl'),
  'window.bmp': async () => makeBmp({ widthPx: 1, height: 1, bits: 24, rows: [[3, 2, 1]] }),
  'plain.ppm': async () => Buffer.from('P3\n1 1\n255\n9 8 7\n'),
  'camera.nef': async () => makeTiff([thumbnail(await (await drawn(19, 300)).jpeg().toBuffer())]),
  ...(!isWindows && {
    'say "cheese" \\ <b>.png': () => makePicture(20),
    'two\nlines\tand a tab.png': () => makePicture(21),
  }),
}

/** Files that no picture comes out of, each with its code and a part of its reason. */
const BAD: Readonly<
  Record<string, readonly [code: string, reason: RegExp, make: () => Promise<Uint8Array>]>
> = {
  'empty.jpg': ['corrupt_image', /^The file is empty$/, async () => Buffer.alloc(0)],
  'text.jpg': ['unsupported_format', /its content is text$/, async () => Buffer.from('Dear diary')],
  'zeros.png': ['unsupported_format', /nothing but zeros$/, async () => Buffer.alloc(5000)],
  'truncated.jpg': [
    'corrupt_image',
    /damaged and cannot be decoded as JPEG/,
    async () => (await (await drawn(30, 200)).jpeg().toBuffer()).subarray(0, -300),
  ],
  'truncated.heic': [
    'corrupt_image',
    /cannot be decoded as HEIC/,
    async () => (await fixture('balloon.heic')).subarray(0, -300),
  ],
  'bomb.png': ['too_large', /30000 x 30000 = 900000000 pixels, more than the \d+ /, makeBomb],
  'bomb.bmp': [
    'too_large',
    /60000 x 60000 = 3600000000 pixels/,
    async () =>
      makeBmp({ widthPx: 60_000, height: 60_000, bits: 8, compression: 1, rows: [[0, 1]] }),
  ],
  'thumb only.dng': [
    'unsupported_format',
    /preview is too small: 8 x 8 pixels/,
    async () => makeTiff([thumbnail(await makePicture(31, 'jpeg'))]),
  ],
  'film.heic': [
    'unsupported_format',
    /is a video$/,
    async () => Buffer.from('\0\0\0\x18ftypisom\0\0\0\0isommp41', 'latin1'),
  ],
}

/** A valid PNG of 30,000 x 30,000 grey pixels of one bit: 112 MB of zeros, deflated. */
async function makeBomb(): Promise<Buffer> {
  const side = 30_000
  const header = Buffer.alloc(13)
  header.writeUInt32BE(side, 0)
  header.writeUInt32BE(side, 4)
  header[8] = 1
  const data = deflateSync(Buffer.alloc(side * (1 + side / 8)), { level: 1 })
  const chunk = (type: string, content: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), content])
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(content.length)
    check.writeUInt32BE(crc32(body))
    return Buffer.concat([length, body, check])
  }
  const start = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
  return Buffer.concat([
    start,
    chunk('IHDR', header),
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

const TITLE = allReadable
  ? `is indexed (without files that may not be read: ${allReadable})`
  : 'is indexed'

describeDatabase('a folder of hostile files', (newPlace) => {
  test(TITLE, async () => {
    await using folder = await newFolder()
    await using place = await newPlace()
    for (const [name, make] of Object.entries(GOOD)) await folder.write(name, await make())
    const bad = new Map<string, readonly [code: string, reason: RegExp]>()
    for (const [name, [code, reason, make]] of Object.entries(BAD)) {
      await folder.write(name, await make())
      bad.set(name, [code, reason])
    }
    if (!isWindows)
      for (const [name, ...why] of await makeUnixTrouble(folder)) bad.set(name, [...why])

    const growing = await folder.write('growing.jpg', await makePicture('growing', 'jpeg'))
    // Large enough that it grows while it is read.
    truncateSync(growing, 200_000_000)
    bad.set('growing.jpg', ['file_changed', /^The file changed while it was being read/])
    const writer = setInterval(() => appendFileSync(growing, 'more'), 1)
    const { first, second, failures, paths } = await indexAlone(folder, place).finally(() =>
      clearInterval(writer),
    )

    expect(paths.map((path) => path.slice(folder.path.length + 1)).sort()).toEqual(
      Object.keys(GOOD).sort(),
    )
    expect(failures.map(({ path }) => basename(path)).sort()).toEqual([...bad.keys()].sort())
    for (const { path, code, reason } of failures) {
      const [expectedCode, expectedReason] = bad.get(basename(path))!
      expect({ path, code }).toEqual({ path, code: expectedCode })
      expect(reason).toMatch(expectedReason)
      // What is listed beside the path is one line, and does not repeat it.
      expect(reason).not.toMatch(/\n/)
    }
    expect(first).toMatchObject({ code: 0, out: '' })
    expect(first.err).toContain(`${Object.keys(GOOD).length} new, ${bad.size} failed`)
    // Nothing is decoded again, and no failure is told twice but those that may have passed.
    expect(second.code).toBe(0)
    expect(second.err).toMatch(new RegExp(` ${Object.keys(GOOD).length} unchanged, [12] failed, `))
  })
})

/** Adds what only Unix has; returns what is to be listed. Links and what they lead to are not. */
async function makeUnixTrouble(
  folder: TestFolder,
): Promise<[name: string, code: string, reason: RegExp][]> {
  const bad: [string, string, RegExp][] = []
  await symlink(folder.path, folder.at('loop'))
  await symlink('itself.jpg', folder.at('itself.jpg'))
  await symlink('/nowhere/at/all.jpg', folder.at('dangling.jpg'))
  execFileSync('mkfifo', [folder.at('pipe.jpg')])
  bad.push(['pipe.jpg', 'unreadable', /^The path is a pipe/])
  await chmod(await folder.write('closed/inside.png', await makePicture(40)), 0)
  if (!allReadable) {
    await chmod(await folder.write('secret.jpg', await makePicture(41)), 0)
    bad.push(['secret.jpg', 'unreadable', /^The file cannot be read \(EACCES/])
    await chmod(folder.at('closed'), 0)
  } else {
    await folder.remove('closed')
  }
  if (process.platform === 'linux') {
    const name = Buffer.concat([
      Buffer.from(folder.at('caf')),
      Buffer.from([0xe9]),
      Buffer.from('.png'),
    ])
    await writeFile(name, await makePicture(42))
    bad.push(['caf\ufffd.png', 'unreadable', /^The name is not valid UTF-8/])
  }
  return bad
}

interface Alone {
  readonly first: CliResult
  readonly second: CliResult
  readonly failures: readonly { path: string; code: string; reason: string }[]
  readonly paths: readonly string[]
}

/** Runs `lucida index` twice in a process of its own, as somebody who is not root. */
async function indexAlone(folder: TestFolder, place: TestPlace): Promise<Alone> {
  const { dataDir, databaseUrl } = place
  const asNobody = isRoot && !allReadable
  if (asNobody) {
    await chmod(folder.path, 0o755)
    execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, dataDir])
  }
  const settings = { folder: folder.path, query: folder.at('plain.png'), dataDir, databaseUrl }
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH ?? '', HOME: dataDir, TMPDIR: dataDir },
    ...(asNobody && { uid: NOBODY, gid: NOBODY }),
  })
  const exited = once(child, 'exit')
  const out = await text(child.stdout)
  expect(await exited).toEqual([0, null])
  return JSON.parse(out) as Alone
}

describeDatabase('a name that is no text', (newPlace) => {
  const shared = sharedDatabase(newPlace)

  test.runIf(process.platform === 'linux')(
    'takes nothing from a file that is called as it is shown',
    async () => {
      await using folder = await newFolder()
      const named = await folder.write('caf\ufffd.png', await makePicture(1))
      const broken = Buffer.from(folder.at('caf?.png'))
      broken[broken.lastIndexOf('?')] = 0xe9
      await writeFile(broken, await makePicture(2))
      const model = fakeModel()
      for (let run = 0; run < 2; run++) {
        await runIndexing(shared.db, model, folder.path)
        expect([...(await shownVectors(shared.db, model.space)).keys()]).toEqual([named])
      }
    },
  )
})

describeDatabase('a file deleted', (newPlace) => {
  const shared = sharedDatabase(newPlace)

  test('between the walk and the read is neither a picture nor a failure', async () => {
    await using folder = await newFolder()
    for (let i = 0; i < 400; i++) {
      await folder.write(`${String(i).padStart(3, '0')}.png`, await makePicture(i))
    }
    const last = folder.at('399.png')
    const model = fakeModel()
    const isThere = () => {
      try {
        accessSync(last, constants.F_OK)
        return true
      } catch {
        return false
      }
    }
    const report = await runIndexing(
      shared.db,
      {
        ...model,
        // All are compared with the store at once, so that the walk is over when the first is read.
        preprocess: async (picture) => {
          if (isThere()) rmSync(last)
          return model.preprocess(picture)
        },
      },
      folder.path,
    )
    expect(report.counts).toMatchObject({ seen: 400, embedded: 399, failed: 0 })
    expect(report.failed).toEqual([])
    expect((await shownVectors(shared.db, model.space)).size).toBe(399)
  })
})
