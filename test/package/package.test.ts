// The package as users get it: packed, unpacked elsewhere, run by its executable and its entry.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { extract } from 'tar'
import { afterAll, beforeAll, expect, test } from 'vitest'
import sharp from 'sharp'

const run = promisify(execFile)
const project = join(import.meta.dirname, '../..')
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lucida-package-'))
  // The build that `npm test` has just made is what gets packed.
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: project })
  const [archive] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'))
  await extract({ file: join(folder, archive!), cwd: folder })
  // Its dependencies, as an install would put them; devDependencies would resolve too.
  await symlink(join(project, 'node_modules'), join(folder, 'package/node_modules'))
  await mkdir(join(folder, 'photos'))
  for (const [name, background] of [
    ['sea', '#2060c0'],
    ['grass', '#30a030'],
  ] as const) {
    await sharp({ create: { width: 64, height: 48, channels: 3, background } })
      .jpeg()
      .toFile(join(folder, `photos/${name}.jpg`))
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const settings = () => ({ env: { ...process.env, LUCIDA_DATA_DIR: join(folder, 'data') } })

test('the executable indexes and searches', async () => {
  const lucida = join(folder, 'package/dist/cli/lucida.cjs')
  await run(process.execPath, [lucida, 'index', join(folder, 'photos')], settings())
  const { stdout } = await run(
    process.execPath,
    [lucida, 'search', 'the sea', '--json'],
    settings(),
  )
  expect(JSON.parse(stdout).results).toHaveLength(2)
})

test('the page is in it, with what it loads', async () => {
  const page = await readFile(join(folder, 'package/dist/web/index.html'), 'utf8')
  const assets = [...page.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map(([, path]) => path!)
  expect(assets.map((path) => extname(path)).sort()).toEqual(['.css', '.js', '.svg'])
  for (const path of assets) {
    expect((await readFile(join(folder, 'package/dist/web', path))).length).toBeGreaterThan(100)
  }
})

test('the entry exports openLucida', async () => {
  const entry = JSON.stringify(join(folder, 'package/dist/lucida.js'))
  const script = `const { openLucida } = await import(${entry}); const lucida = await openLucida(); const { searchable } = await lucida.status(); await lucida.close(); console.log(searchable)`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], settings())
  expect(Number(stdout)).toBe(2)
})
