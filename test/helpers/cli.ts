// Runs commands in this process, with everything that they print caught.
import { Readable } from 'node:stream'
import type { CliIo } from '../../src/cli/io.ts'
import { runCli } from '../../src/cli/run.ts'

/** What a command left behind. */
export interface CliResult {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs `lucida <args>` with no terminal, no input and no settings but those given. */
export async function runCaptured(
  args: readonly string[],
  world: Partial<CliIo> = {},
): Promise<CliResult> {
  let out = ''
  let err = ''
  const code = await runCli(args, {
    out: (text) => (out += text),
    err: (text) => (err += text),
    input: Readable.from([]),
    env: {},
    cwd: process.cwd(),
    errIsTerminal: false,
    inputIsTerminal: false,
    signal: new AbortController().signal,
    ...world,
  })
  return { code, out, err }
}
