// Connects the command line to the process.
import type { CliIo } from './io.ts'
import { runCli } from './run.ts'

const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())
process.once('SIGTERM', () => interrupted.abort())
// `lucida classify … | head` closes the pipe early; that is no error. The command ends in order, with the
// next that it prints: exiting while a model runs would abort the process.
let isRead = true
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  isRead = false
  interrupted.abort()
})
// Where nobody reads what is said beside the results, the work goes on: a server must not end by it.
process.stderr.on('error', () => {})

const io: CliIo = {
  out(text) {
    if (!isRead) throw new Error('Nobody reads what is printed any more')
    process.stdout.write(text)
  },
  err: (text) => void process.stderr.write(text),
  input: process.stdin,
  env: process.env,
  cwd: process.cwd(),
  errIsTerminal: process.stderr.isTTY ?? false,
  inputIsTerminal: process.stdin.isTTY ?? false,
  signal: interrupted.signal,
}

const code = await runCli(process.argv.slice(2), io)
process.exitCode = isRead ? code : 0
