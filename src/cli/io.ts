// What a command may touch of the world outside, so that tests can run it without a process.

/** Streams and settings of one run. Results go to `out`, everything else to `err`. */
export interface CliIo {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly input: NodeJS.ReadableStream
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** A person reads stderr on a terminal: draw a progress bar. */
  readonly errIsTerminal: boolean
  /** A person types: prompt for questions. */
  readonly inputIsTerminal: boolean
  /** Cancelled when the user interrupts. */
  readonly signal: AbortSignal
}

/** Dims `text` on a terminal, unless NO_COLOR (no-color.org) is set. */
export function dim(io: CliIo, text: string): string {
  return io.errIsTerminal && !io.env.NO_COLOR ? `\u001B[2m${text}\u001B[22m` : text
}
