// What is known of a picture, in plain words.
import type { ImageDetail } from '../api/contract.ts'
import type { HeatMap } from '../api/explain-contract.ts'

/** `/photos/2024/red-car.jpg` → `red-car.jpg`. Paths of Windows too. */
export function fileName(path: string): string {
  return path.split(/[/\\]/).at(-1)!
}

/** The folder a file lies in. */
export function folderName(path: string): string {
  return path.slice(0, Math.max(1, path.length - fileName(path).length - 1))
}

/** Wall time at the camera, never moved to another time zone. */
export function dateText(takenAt: string): string {
  const date = new Date(`${takenAt}Z`)
  if (Number.isNaN(date.getTime())) return takenAt
  return date.toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })
}

export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-GB')} ${count === 1 ? one : many}`
}

/** Most models name their make again. */
export function cameraText({ cameraMake, cameraModel }: ImageDetail): string | null {
  if (cameraMake === null || cameraModel === null) return cameraModel ?? cameraMake
  const [brand] = cameraMake.toLowerCase().split(' ')
  const repeats = cameraModel.toLowerCase().startsWith(brand!)
  return repeats ? cameraModel : `${cameraMake} ${cameraModel}`
}

/** A map of the place; asked for by a click only. */
export function mapUrl(latitude: number, longitude: number): string {
  const place = `mlat=${latitude}&mlon=${longitude}#map=14/${latitude}/${longitude}`
  return `https://www.openstreetmap.org/?${place}`
}

/** `48.8584° N, 2.2945° E` */
export function placeText(latitude: number, longitude: number): string {
  const one = (value: number, positive: string, negative: string) =>
    `${Math.abs(value).toFixed(4)}° ${value < 0 ? negative : positive}`
  return `${one(latitude, 'N', 'S')}, ${one(longitude, 'E', 'W')}`
}

/** A moment of the past, as far back as matters. */
export function agoText(moment: string, now = Date.now()): string {
  const minutes = Math.round((now - Date.parse(moment)) / 60_000)
  if (minutes < 1) return 'just now'
  if (minutes < 60) return `${countText(minutes, 'minute')} ago`
  if (minutes < 60 * 24) return `${countText(Math.round(minutes / 60), 'hour')} ago`
  return `${countText(Math.round(minutes / 60 / 24), 'day')} ago`
}

/** How a picture was drawn, from the record in its file, which may be of any version. */
export function recordFacts(record: NonNullable<ImageDetail['record']>): [string, string][] {
  const { idea, avoid, seed, steps, guidance } = record
  const facts: [string, string][] = []
  if (isObject(idea)) facts.push(['Drawn from', ideaText(idea)])
  if (typeof avoid === 'string') facts.push(['Away from', `“${avoid}”`])
  const numbers = Object.entries({ seed, steps, guidance }).filter(
    ([, value]) => typeof value === 'number',
  )
  if (numbers.length > 0) {
    facts.push([
      'Settings',
      numbers.map(([name, value]) => `${name} ${value as number}`).join(', '),
    ])
  }
  const { pipeline } = record
  if (isObject(pipeline) && typeof pipeline.name === 'string') facts.push(['By', pipeline.name])
  return facts
}

function ideaText({ text, mix, between, at, change, to, from, hitsOf }: JsonObject): string {
  if (typeof text === 'string') return `“${text}”`
  if (Array.isArray(mix)) return sumText(mix)
  if (Array.isArray(between)) {
    return `between ${between.map(termText).join(' and ')}, ${Math.round(Number(at) * 100)} % of the way`
  }
  if (isObject(change))
    return `${termText(change)} with more “${String(to)}”, less “${String(from)}”`
  return Array.isArray(hitsOf) ? `the best hits of ${sumText(hitsOf)}` : 'something unknown'
}

function sumText(terms: readonly unknown[]): string {
  return terms
    .map((term, i) => {
      const weight = isObject(term) && typeof term.weight === 'number' ? term.weight : 1
      const sign = weight < 0 ? '− ' : i > 0 ? '+ ' : ''
      return `${sign}${Math.abs(weight) === 1 ? '' : `${Math.abs(weight)} × `}${termText(term)}`
    })
    .join(' ')
}

function termText(term: unknown): string {
  return isObject(term) && typeof term.text === 'string' ? `“${term.text}”` : 'a picture'
}

type JsonObject = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Where a grid is hottest, in words. */
export function hottestPlace({ width, height }: HeatMap, values: readonly number[]): string {
  const at = values.indexOf(Math.max(...values))
  const third = (place: number, of: number) => Math.min(2, Math.floor(((place + 0.5) / of) * 3))
  const row = ['top', 'middle', 'bottom'][third(Math.floor(at / width), height)]!
  const column = ['left', 'centre', 'right'][third(at % width, width)]!
  return row === 'middle' && column === 'centre' ? 'in the middle' : `at the ${row} ${column}`
}

/** What a picture is suspected of by the safety policy: `maybe nudity`. */
export function suspicionText(safety: readonly { readonly concept: string }[]): string {
  return `maybe ${safety.map(({ concept }) => concept).join(', ')}`
}
