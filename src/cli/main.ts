// Connects the command line to the process.
import type { CliIo } from './io.ts'
import { runCli } from './run.ts'

const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())
process.once('SIGTERM', () => interrupted.abort())
// `lucida search … | head` closes the pipe early; that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})
// Where nobody reads what is said beside the results, the work goes on: a server must not end by it.
process.stderr.on('error', () => {})

const io: CliIo = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  input: process.stdin,
  env: process.env,
  cwd: process.cwd(),
  errIsTerminal: process.stderr.isTTY ?? false,
  inputIsTerminal: process.stdin.isTTY ?? false,
  signal: interrupted.signal,
}

process.exitCode = await runCli(process.argv.slice(2), io)
