// Classifier-free guidance (Ho and Salimans 2022): away from what the network predicts for nothing, or
// for what is not wanted.
import type { Guidance, Schedule } from './pipeline-parts.ts'
import { partOfTheWay } from './plan.ts'
import type { Predict, Prediction } from './prediction.ts'

/** What a network is asked about: what is wanted, and what to stay away from. */
export type Side = 'wanted' | 'unwanted'

/** Asks about one or both sides in one go. */
export type Ask = (
  x: Float32Array,
  time: number,
  sides: readonly Side[],
) => Promise<readonly Prediction[]>

export interface GuidanceOptions {
  /** 1 follows what is wanted alone. */
  readonly scale: number
  /** Whether guidance applies at a time. */
  readonly appliesAt: (time: number) => boolean
}

/** As the manifest has it; `scale` in place of its own. */
export function guidanceOf(
  { mode, scale: own, interval }: Guidance,
  schedule: Schedule,
  scale = own,
): GuidanceOptions {
  const [from, to] = interval ?? [0, 1]
  return {
    scale: mode === 'keep' || mode === 'concat' ? scale : 1,
    appliesAt(time) {
      const part = partOfTheWay(schedule, time)
      return from <= part && part <= to
    },
  }
}

export function withGuidance(ask: Ask, { scale, appliesAt }: GuidanceOptions): Predict {
  return async (x, time) => {
    if (scale === 1 || !appliesAt(time)) return (await ask(x, time, ['wanted']))[0]!
    const [wanted, unwanted] = await ask(x, time, ['wanted', 'unwanted'])
    const value = wanted!.value.map((value, i) => {
      const away = unwanted!.value[i]!
      return away + scale * (value - away)
    })
    // The spread is that of what is wanted.
    return { ...wanted!, value }
  }
}
