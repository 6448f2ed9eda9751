// Joins what comes while a run is under way into the next run. Nobody waits for others to come: a
// single item runs at once.

interface Waiting<In, Out> {
  readonly item: In
  readonly resolve: (result: Out) => void
  readonly reject: (error: unknown) => void
}

/** Calls of the returned function share runs of at most `maxItems`, one run at a time. */
export function microBatch<In, Out>(
  run: (items: readonly In[]) => Promise<readonly Out[]>,
  maxItems: number,
): (item: In) => Promise<Out> {
  const waiting: Waiting<In, Out>[] = []
  let running = false

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, maxItems)
      try {
        const results = await run(batch.map(({ item }) => item))
        for (const [i, { resolve }] of batch.entries()) resolve(results[i]!)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    running = false
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (running) return
      running = true
      // After whoever calls has handed in all that it has.
      queueMicrotask(() => void drain())
    })
}
