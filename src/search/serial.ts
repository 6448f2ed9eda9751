// Runs tasks one after another: the in-memory indexes yield in the middle of their work, and no
// change may slip into a search or a save that is half done.

/** Runs a task once every earlier one has ended; a failure reaches only its own caller. */
export type SerialQueue = <T>(task: () => T | Promise<T>) => Promise<T>

/** An empty queue. */
export function serialQueue(): SerialQueue {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const run = last.then(task)
    last = run.catch(() => undefined)
    return run
  }
}
