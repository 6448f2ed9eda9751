// The process around the command line.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

test('a reader of stderr that has gone ends nothing', async () => {
  const args = ['--import', 'tsx', MAIN, 'no-such-command']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  child.stderr.destroy()
  // As ever for a wrong command.
  expect(await once(child, 'exit')).toEqual([2, null])
})
