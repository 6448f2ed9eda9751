// What a person would ask of the drawn pictures and which ones they would call right.
// Written down before any model saw the pictures; the measured precision is reported as it comes.

/** A question with the names of all pictures that answer it. */
export interface DemoQuery {
  readonly text: string
  /** Names from the drawn set, three or more. */
  readonly relevant: readonly string[]
}

/** Ten questions to the drawn set. */
export const demoQueries: readonly DemoQuery[] = [
  {
    text: 'a boat on the water',
    relevant: ['sailing-boat', 'rowing-boat', 'ship', 'sunset-sailing-boat'],
  },
  { text: 'snow on a mountain', relevant: ['snowy-mountain', 'mountain-lake', 'skier'] },
  { text: 'a red car', relevant: ['red-car', 'red-car-by-the-sea', 'red-car-in-snow'] },
  { text: 'birds flying in the sky', relevant: ['gull', 'three-birds', 'five-birds'] },
  { text: 'the sky at night', relevant: ['moon-over-hills', 'starry-sky', 'city-at-night'] },
  {
    text: 'a sunset over the sea',
    relevant: ['sunset-over-sea', 'sunset-sailing-boat', 'couple-at-sunset'],
  },
  {
    text: 'people on a beach',
    relevant: ['people-on-beach', 'child-with-ball', 'couple-at-sunset'],
  },
  {
    text: 'fruit on a table',
    relevant: ['red-apple', 'three-green-apples', 'five-oranges'],
  },
  {
    text: 'tall buildings in a city',
    relevant: ['city-skyline', 'city-at-night', 'yellow-taxi'],
  },
  {
    text: 'an animal in a green field',
    relevant: ['horse', 'cow', 'three-sheep', 'dog'],
  },
]

/** The share of the first `k` found names that are relevant: 0 to 1; missing results count as wrong. */
export function precisionAt(
  k: number,
  relevant: readonly string[],
  found: readonly string[],
): number {
  const right = new Set(relevant)
  return found.slice(0, k).filter((name) => right.has(name)).length / k
}
