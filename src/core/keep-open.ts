// Something that is costly to open, kept for a while after its last use.

/** What can be closed. */
interface Closable {
  close(): Promise<void>
}

/** One thing, by its key. */
export interface KeptOpen<T> {
  /** Works with the thing of this key, opened where it is not; another key closes it first. */
  use<R>(key: string, open: () => Promise<T>, work: (thing: T) => Promise<R>): Promise<R>
  close(): Promise<void>
}

/** Closes what nobody has used for `idleMs`. */
export function keepOpen<T extends Closable>(idleMs: number): KeptOpen<T> {
  let kept: { readonly key: string; readonly thing: Promise<T>; users: number } | undefined
  let idle: NodeJS.Timeout | undefined
  const close = async () => {
    clearTimeout(idle)
    const closing = kept
    kept = undefined
    await (await closing?.thing.catch(() => undefined))?.close()
  }
  return {
    async use(key, open, work) {
      // Who still works with another one closes it by ending. While one is closed, others may come.
      while (kept && kept.key !== key) {
        if (kept.users === 0) await close()
        else kept = undefined
      }
      kept ??= { key, thing: open(), users: 0 }
      const mine = kept
      // A failure is not remembered.
      mine.thing.catch(() => {
        if (kept === mine) kept = undefined
      })
      clearTimeout(idle)
      mine.users++
      try {
        return await work(await mine.thing)
      } finally {
        mine.users--
        if (mine !== kept) {
          if (mine.users === 0) await (await mine.thing.catch(() => undefined))?.close()
        } else if (mine.users === 0) {
          idle = setTimeout(() => void close(), idleMs).unref()
        }
      }
    },
    close,
  }
}
