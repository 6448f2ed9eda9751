// The whole set of pictures that Lucida draws itself, for a first try without any photographs.
import { creatures } from './creatures.ts'
import { places } from './places.ts'
import { things } from './things.ts'

/** The SVG text of every picture by name; names say what a person would say is in it. */
export const demoScenes: ReadonlyMap<string, () => string> = new Map([
  ...Object.entries(places),
  ...Object.entries(creatures),
  ...Object.entries(things),
])
