// The plots of an audit as inline SVG: no script, no style sheet, colours by presentation attributes,
// so that a report can be printed, mailed and shown under any Content-Security-Policy.
import type { Interval } from './bootstrap.ts'

const [LABEL, PLOT, ROW] = [230, 360, 22]
const INK = '#334155'
const FAINT = '#cbd5e1'
/** Told apart by most eyes, and in print (Okabe and Ito 2008). */
const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#f0e442']

/** One row of a plot of estimates. */
export interface Estimate {
  readonly label: string
  readonly value: number
  readonly interval: Interval
}

/** Estimates with their intervals on one scale, and a line at `zero`. */
export function intervalChart(
  title: string,
  rows: readonly Estimate[],
  [low, high]: Interval,
  zero: number,
): string {
  const x = (value: number) =>
    LABEL + ((Math.min(high, Math.max(low, value)) - low) / (high - low)) * PLOT
  const marks = rows.map(({ label, value, interval: [from, to] }, i) => {
    const y = 14 + i * ROW
    return (
      text(LABEL - 10, y + 4, label, 'end') +
      line(x(from), y, x(to), y, INK, 2) +
      `<circle cx="${round(x(value))}" cy="${y}" r="4.5" fill="${COLOURS[0]}"/>` +
      text(LABEL + PLOT + 10, y + 4, value.toFixed(2), 'start')
    )
  })
  const bottom = 14 + rows.length * ROW
  const ticks = [low, (low + zero) / 2, zero, (zero + high) / 2, high].filter(
    (tick, i, all) => all.indexOf(tick) === i,
  )
  const axis = ticks.map(
    (tick) =>
      line(x(tick), 0, x(tick), bottom - 8, FAINT, tick === zero ? 2 : 1) +
      text(x(tick), bottom + 6, String(Number(tick.toFixed(2))), 'middle'),
  )
  return svg(title, bottom + 12, axis.join('') + marks.join(''))
}

/** One row of a plot of shares. */
export interface Composition {
  readonly label: string
  readonly shares: readonly number[]
}

/** Shares as parts of a bar, with marks where the shares that are asked for meet. */
export function shareChart(
  title: string,
  values: readonly string[],
  targets: readonly number[],
  rows: readonly Composition[],
): string {
  const top = 26
  const bottom = top + rows.length * ROW
  const key = values.map((value, i) => {
    const x = LABEL + i * (PLOT / values.length)
    return `<rect x="${round(x)}" y="2" width="12" height="12" fill="${colour(i)}"/>${text(x + 17, 12, value, 'start')}`
  })
  const bars = rows.map(({ label, shares }, row) => {
    const y = top + row * ROW
    let x = LABEL
    const parts = shares.map((share, i) => {
      const part = `<rect x="${round(x)}" y="${y}" width="${round(share * PLOT)}" height="15" fill="${colour(i)}"/>`
      x += share * PLOT
      return part
    })
    return (
      text(LABEL - 10, y + 12, label, 'end') +
      parts.join('') +
      text(LABEL + PLOT + 10, y + 12, `${Math.round((shares[0] ?? 0) * 100)} %`, 'start')
    )
  })
  let sum = 0
  const marks = targets.slice(0, -1).map((target) => {
    sum += target
    const x = LABEL + sum * PLOT
    return line(x, top - 6, x, bottom, '#ffffff', 3) + line(x, top - 6, x, bottom, '#0f172a', 1.5)
  })
  return svg(title, bottom + 4, key.join('') + bars.join('') + marks.join(''))
}

function colour(i: number): string {
  return COLOURS[i % COLOURS.length]!
}

function svg(title: string, height: number, content: string): string {
  const width = LABEL + PLOT + 60
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="${escapeHtml(title)}" font-family="sans-serif" font-size="12">${content}</svg>`
}

function line(x1: number, y1: number, x2: number, y2: number, stroke: string, width: number) {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${stroke}" stroke-width="${width}"/>`
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${INK}">${escapeHtml(content)}</text>`
}

function round(value: number): number {
  return Number(value.toFixed(1))
}

/** A text inside HTML. */
export function escapeHtml(value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
