// The process around the command line.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { makePicture } from '../helpers/noise-pictures.ts'
import { newFolder } from '../helpers/picture-folder.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

test('a reader of stderr that has gone ends nothing', async () => {
  const args = ['--import', 'tsx', MAIN, 'no-such-command']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  child.stderr.destroy()
  // As ever for a wrong command.
  expect(await once(child, 'exit')).toEqual([2, null])
})

test('a reader of stdout that has gone ends the command in order', async () => {
  await using folder = await newFolder()
  const dataDir = folder.at('data')
  const pictures = ['a', 'b', 'c']
  for (const name of pictures) await folder.write(`${name}.png`, await makePicture(name))
  const paths = pictures.map((name) => folder.at(`${name}.png`))
  const args = ['--import', 'tsx', MAIN, 'classify', ...paths, '--labels', 'cat,dog']
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, LUCIDA_DATA_DIR: dataDir },
  })
  child.stdout.destroy()
  expect(await once(child, 'exit')).toEqual([0, null])
  // What a database has beside it that was closed.
  expect(await readdir(dataDir)).toContain('database.closed')
})
