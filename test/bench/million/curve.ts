// What an index would take for a given recall, read off between the points that were measured.
import { quantile } from '../report.ts'
import type { Point } from './built.ts'

/** Milliseconds of the median query, or of another. */
export const msAt = ({ tookMs }: Point, p: number) => quantile(tookMs, p)

/** Linear between the two points around `recall`; null beyond the first and the last. */
export function msAtRecall(points: readonly Point[], recall: number, p: number): number | null {
  const sorted = [...points].sort((a, b) => a.recall - b.recall)
  const above = sorted.findIndex((point) => point.recall >= recall)
  if (above < 0) return null
  const high = sorted[above]!
  if (high.recall === recall) return msAt(high, p)
  const low = sorted[above - 1]
  if (!low) return null
  const share = (recall - low.recall) / (high.recall - low.recall)
  return msAt(low, p) + share * (msAt(high, p) - msAt(low, p))
}
