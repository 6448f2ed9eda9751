// Runs at most so many things at a time; the others wait in the order in which they came.

/** A gate for `concurrency` things at a time. */
export function limitConcurrency(concurrency: number): <T>(run: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let free = concurrency
  return async (run) => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await run()
    } finally {
      // Whoever waits takes the place over.
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
}
