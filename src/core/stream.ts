// Bounded async iteration. Concurrent mapping is p-map's `pMapIterable`; this is what it lacks.

/** Groups items into arrays of `size`, which may change from one to the next; the last may be shorter. */
export async function* batch<T>(
  source: AsyncIterable<T>,
  size: number | (() => number),
): AsyncGenerator<T[]> {
  const wanted = typeof size === 'number' ? () => size : size
  let items: T[] = []
  for await (const item of source) {
    items.push(item)
    if (items.length >= wanted()) {
      yield items
      items = []
    }
  }
  if (items.length > 0) yield items
}

/**
 * Groups items that come quickly: at most `atMost` of them, and none waits for others once `forMs`
 * have gone by since the last group. What came before an error is handed on before it is thrown.
 */
export async function* gather<T>(
  source: AsyncIterable<T>,
  { atMost, forMs }: { readonly atMost: number; readonly forMs: number },
): AsyncGenerator<T[]> {
  let items: T[] = []
  let last = Number.NEGATIVE_INFINITY
  let failure: { readonly error: unknown } | undefined
  try {
    for await (const item of source) {
      items.push(item)
      if (items.length < atMost && performance.now() - last < forMs) continue
      const group = items
      items = []
      yield group
      last = performance.now()
    }
  } catch (error) {
    failure = { error }
  }
  if (items.length > 0) yield items
  if (failure) throw failure.error
}

/**
 * Pulls from `source` ahead of the consumer, at most `limit` items, in order.
 * `onEnd` is called when the source is exhausted, which is usually long before the consumer is.
 */
export async function* readAhead<T>(
  source: AsyncIterable<T>,
  limit: number,
  onEnd: () => void = () => {},
): AsyncGenerator<T> {
  const buffer: T[] = []
  let head = 0
  let ended = false
  let stopped = false
  let failure: { error: unknown } | undefined
  let wake = () => {}
  const changed = () => new Promise<void>((resolve) => (wake = resolve))

  const fill = async () => {
    try {
      for await (const item of source) {
        if (stopped) return
        buffer.push(item)
        wake()
        while (buffer.length - head >= limit && !stopped) await changed()
        if (stopped) return
      }
      onEnd()
    } catch (error) {
      failure = { error }
    } finally {
      ended = true
      wake()
    }
  }
  const filling = fill()
  try {
    for (;;) {
      while (head === buffer.length && !ended) await changed()
      if (head === buffer.length) break
      const item = buffer[head++]!
      // Dropping what was read in large pieces keeps each step O(1) on average; shift() is O(n).
      if (head === buffer.length || head === 1024) {
        buffer.splice(0, head)
        head = 0
      }
      wake()
      yield item
    }
    if (failure) throw failure.error
  } finally {
    stopped = true
    wake()
    await filling
  }
}

/** Changes each item on its way. The source ends with whoever reads, also where that is early. */
export async function* mapItems<T, U, R>(
  source: AsyncGenerator<T, R>,
  change: (item: T) => U | Promise<U>,
): AsyncGenerator<U, R> {
  let ended = false
  try {
    for (;;) {
      const next = await source.next()
      ended = next.done ?? false
      if (next.done) return next.value
      yield await change(next.value)
    }
  } finally {
    if (!ended) await source.return(undefined as never)
  }
}

/** Reads to the end, and returns what the source returns. Where `use` fails, the source is ended. */
export async function readAll<T, R>(
  source: AsyncGenerator<T, R>,
  use: (item: T) => Promise<void>,
): Promise<R> {
  const used = mapItems(source, use)
  let next = await used.next()
  for (; !next.done; next = await used.next());
  return next.value
}

/** What is there already, as a stream. */
export async function* streamOf<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}
