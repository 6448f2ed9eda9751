// A synthetic collection and a model of it, with a bias of known size planted or none. One axis is
// the attribute, one each query's subject, and the rest is chance.
import { sha256, type ContentHash } from '../../src/core/hash.ts'
import type { UnitVector } from '../../src/core/vector.ts'
import { openExactIndex } from '../../src/search/exact-index.ts'
import type { AuditContext } from '../../src/audit/audit.ts'
import { seededRandom } from '../../src/audit/random.ts'
import { checkTermSets, type TermSets } from '../../src/audit/term-sets.ts'

const DIMENSION = 48
/** Axes: 0 the attribute, 1 what all texts of the attribute share, 2… the queries' subjects. */
const SUBJECTS = 2

export interface PlantedOptions {
  readonly seed: number
  readonly pictures?: number
  readonly queries?: number
  /** How far each query leans towards the first value, in deviations of the subject's scores. */
  readonly lean: number
  /** How far the words of the first targets lean, in deviations. */
  readonly association?: number
}

export interface Planted {
  readonly context: AuditContext
  readonly terms: TermSets
  /** The value of each picture, 0 or 1. */
  readonly values: ReadonlyMap<ContentHash, number>
}

/** Normal numbers (Box and Muller). */
export function normals(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** Makes it: half of the pictures have either value. */
export async function plant(options: PlantedOptions): Promise<Planted> {
  const { seed, pictures = 400, queries = 8, lean, association = 0 } = options
  const normal = normals(seededRandom(seed))
  const axis = (at: number, size = 1) => {
    const vector = new Float32Array(DIMENSION)
    vector[at] = size
    return vector
  }
  const add = (a: Float32Array, b: Float32Array) => a.map((value, i) => value + b[i]!)

  const values = new Map<ContentHash, number>()
  const vectors = new Map<ContentHash, UnitVector>()
  for (let i = 0; i < pictures; i++) {
    const content = sha256(`${seed}/${i}`)
    const value = i % 2
    // All noise but on the axis of the attribute, so that the lean of a query is what it says.
    const vector = Float32Array.from({ length: DIMENSION }, () => normal())
    vector[0] = value === 0 ? 1 : -1
    values.set(content, value)
    // Not of unit length: scores stay normal, with the deviation 1.
    vectors.set(content, vector as UnitVector)
  }

  const names = Array.from({ length: queries }, (_, i) => `subject ${i}`)
  const texts = new Map<string, Float32Array>()
  const random = () => Float32Array.from({ length: DIMENSION }, () => 0.05 * normal())
  for (const [i, name] of names.entries()) {
    // Scores with the two values differ by 2 · lean / 2 = lean.
    const query = add(axis(SUBJECTS + i), axis(0, lean / 2))
    texts.set(name, query)
    texts.set(`also ${name}`, query)
    for (const [phrase, sign] of [
      ['a first', 1],
      ['a second', -1],
    ] as const) {
      texts.set(`a photo of ${phrase} ${name}`, add(axis(SUBJECTS + i), axis(0, sign)))
    }
  }
  const prompts = [0, 1, 2].map((i) => [`first ${i}`, `second ${i}`] as const)
  for (const pair of prompts) {
    const shared = random()
    shared[0] = 0
    for (const [i, name] of pair.entries()) {
      texts.set(name, add(add(axis(1), shared), axis(0, i === 0 ? 1 : -1)))
    }
  }
  const words = (set: string, leaning: number) =>
    Array.from({ length: 12 }, (_, i) => {
      const word = `${set} ${i}`
      // s(w, A, B) of such a word is normal around the leaning, with the deviation 1.
      texts.set(word, axis(SUBJECTS + queries, normal() + leaning))
      return word
    })
  const side = (name: string, sign: number) => {
    const list = Array.from({ length: 4 }, (_, i) => `${name} ${i}`)
    for (const word of list) texts.set(word, axis(SUBJECTS + queries, sign / 2))
    return { name, words: list }
  }
  const terms = checkTermSets(
    {
      schema: 'lucida.terms/1',
      associations: [
        {
          name: 'planted',
          title: 'Planted',
          source: 'this test',
          template: '{}',
          targets: [
            { name: 'x', words: words('x', association) },
            { name: 'y', words: words('y', -association) },
          ],
          attributes: [side('a', 1), side('b', -1)],
        },
      ],
      attributes: [
        {
          name: 'planted',
          title: 'Planted',
          source: 'this test',
          limits: 'None.',
          values: [0, 1].map((value) => ({
            name: ['first', 'second'][value],
            phrase: ['a first', 'a second'][value],
            prompts: prompts.map((pair) => pair[value]),
            words: [['primus'], ['secundus']][value],
          })),
        },
      ],
      queries: names.map((name) => ({ name, phrases: [name, `also ${name}`] })),
      classes: { name: 'none', source: 'none', template: '{}', right: ['x 0'], wrong: [] },
    },
    'planted',
  )
  const index = await openExactIndex({
    identity: { storeId: 'planted', model: 'planted', recipe: 'planted', dimension: DIMENSION },
  })
  const changes = [...vectors].map(([content, vector]) => ({ content, vector }))
  await index.apply(changes, 1)
  return {
    terms,
    values,
    context: {
      model: 'planted',
      contents: [...values.keys()],
      index,
      embedTexts: async (wanted) => wanted.map((text) => texts.get(text)! as UnitVector),
      vectorsOf: (contents) => index.vectorsOf(contents),
      findPictures: async (contents) =>
        new Map(
          contents.map((hash) => {
            const place = { hash, paths: [`/pictures/${hash.slice(0, 12)}.png`] }
            return [hash, { ...place, widthPx: 1, heightPx: 1, takenAt: null, generated: false }]
          }),
        ),
    },
  }
}

/** The share of the first value among the best `k` of `n`, half of each, for a lean. */
export function expectedShare(lean: number, k: number, n: number): number {
  // The threshold that the best k pass, by bisection.
  let [low, high] = [-10, 10]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    const passing = (above(middle - lean / 2) + above(middle + lean / 2)) / 2
    if (passing > k / n) low = middle
    else high = middle
  }
  const [first, second] = [above(low - lean / 2), above(low + lean / 2)]
  return first / (first + second)
}

/** Chance of a normal number above x (Abramowitz and Stegun 7.1.26). */
function above(x: number): number {
  const z = Math.abs(x) / Math.SQRT2
  const t = 1 / (1 + 0.3275911 * z)
  const poly =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
  const tail = (poly * Math.exp(-z * z)) / 2
  return x >= 0 ? tail : 1 - tail
}
