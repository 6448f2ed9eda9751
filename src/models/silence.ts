// Ends a request to which nothing comes any more; one that goes on may take as long as it likes.

export interface Silence {
  readonly signal: AbortSignal
  readonly late: () => boolean
  heard(): void
  end(): void
}

/** A signal that also comes when nothing has been heard for a while. */
export function watchSilence(afterMs: number, outer: AbortSignal): Silence {
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(), afterMs)
  return {
    signal: AbortSignal.any([outer, silence.signal]),
    late: () => silence.signal.aborted,
    heard: () => void timer.refresh(),
    end: () => clearTimeout(timer),
  }
}
