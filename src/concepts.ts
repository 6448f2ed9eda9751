// Concepts of people's own: taught by examples, kept with them, fitted anew when the model is another
// one; and what they are to a search: a direction, and the pictures that are probably one.
import { loadTerm, readQueryFile, type AnswerContext, type SearchTerm } from './answer.ts'
import { requireConceptName } from './core/concept-name.ts'
import { LucidaError } from './core/errors.ts'
import { type ContentHash, sha256InTurns } from './core/hash.ts'
import type { UnitVector } from './core/vector.ts'
import { makeThumbnail } from './pictures/thumbnail.ts'
import {
  type ConceptHead,
  type ConceptQuality,
  conceptDirection,
  conceptThreshold,
  fitConcept,
} from './search/concept.ts'
import type { VectorSpace } from './store/changes.ts'
import {
  findConcept,
  listConcepts,
  putConcept,
  removeConcept,
  sampleVectors,
  type StoredConcept,
} from './store/concepts.ts'
import type { Database } from './store/database.ts'

/** A concept as a term of a search. */
export interface ConceptTerm {
  readonly concept: string
  readonly weight?: number
}

/** What a concept is taught by. */
export interface Teaching {
  /** Pictures that are one; with those that are known already there must be one at least. */
  readonly like?: readonly SearchTerm[]
  /** Pictures that are not. */
  readonly unlike?: readonly SearchTerm[]
  /** Words for it, toward which it is drawn while there are few examples. */
  readonly text?: string | undefined
  /** Forgets the examples that are known already. */
  readonly anew?: boolean
}

/** A concept as it may be shown. */
export interface Concept {
  readonly name: string
  readonly text: string | null
  readonly like: readonly ContentHash[]
  readonly unlike: readonly ContentHash[]
  readonly model: string
  /** Of the examples, left out one by one; null where there is only one. */
  readonly quality: ConceptQuality | null
  readonly createdAt: Date
  readonly taughtAt: Date
}

/** The concepts of a database. */
export interface Concepts {
  /** Adds examples to a concept, or begins one. Throws `bad_input` and whatever a picture throws. */
  teach(name: string, teaching: Teaching): Promise<Concept>
  list(): Promise<Concept[]>
  /** Throws `not_found`. */
  find(name: string): Promise<Concept>
  /** Throws `not_found`. */
  forget(name: string): Promise<void>
  /** Its head for the model in use. Throws `not_found`. */
  readonly head: (name: string) => Promise<ConceptHead>
  /** A term of a search; concepts become directions. Throws `not_found`. */
  readonly resolve: (term: SearchTerm | ConceptTerm) => Promise<SearchTerm>
  /** The pictures that are one with a probability of `atLeast`, 0.5 when not given. */
  matching(filter: { name: string; atLeast?: number | undefined }): Promise<ContentHash[]>
}

/** Probability from which a picture passes a filter. */
const DEFAULT_AT_LEAST = 0.5
/** Pictures of the collection that a concept is told from. */
const BACKGROUND = 512
/** More are no few examples, and take long to fit. */
const MAX_EXAMPLES = 1000
/** Of the copies of pictures that are not indexed: enough for any model at hand. */
const COPY_PX = 512

type Example = StoredConcept['examples'][number]

/** Over a database; `context` is what searches have. */
export function openConcepts(
  db: Database,
  space: VectorSpace,
  context: Pick<AnswerContext, 'clip' | 'pictures' | 'index'>,
): Concepts {
  const { clip, pictures } = context

  async function known(name: string): Promise<StoredConcept> {
    const found = await findConcept(db, name)
    if (found) return found
    throw new LucidaError(
      'not_found',
      `There is no concept ${name}; lucida concepts lists them, lucida teach makes one`,
    )
  }

  /**
   * Fits a head to the examples that are at hand, and keeps it in place of `before`. Undefined where
   * somebody else was faster.
   */
  async function fit(
    { name, words, examples }: Pick<StoredConcept, 'name' | 'words' | 'examples'>,
    before: StoredConcept | undefined,
  ): Promise<StoredConcept | undefined> {
    const vectors = await vectorsOf(examples)
    const of = (positive: boolean) =>
      examples.flatMap((one) => (one.positive === positive ? (vectors.get(one.content) ?? []) : []))
    const own = new Set(examples.map(({ content }) => content))
    const sample = await sampleVectors(db, space, BACKGROUND + own.size)
    const background = sample.filter(({ content }) => !own.has(content)).slice(0, BACKGROUND)
    const [text] = words === null ? [] : await clip.embedTexts([words])
    const { head, quality } = await fitConcept({
      positives: of(true),
      negatives: of(false),
      background: background.map(({ vector }) => vector),
      text,
    })
    const fitted = {
      name,
      words,
      examples,
      ...space,
      ...head,
      averagePrecision: quality?.averagePrecision ?? null,
      auc: quality?.auc ?? null,
    }
    return putConcept(db, fitted, before)
  }

  /** Of those that are indexed, or whose file or copy can be read. */
  async function vectorsOf(examples: readonly Example[]): Promise<Map<ContentHash, UnitVector>> {
    const all = examples.map(({ content }) => content)
    const found = new Map(await pictures.findVectors(all))
    const rows = await pictures.findPictures(all.filter((content) => !found.has(content)))
    for (const { content, picture } of examples) {
      if (found.has(content)) continue
      const path = rows.get(content)?.paths[0]
      const bytes =
        picture === null
          ? path && (await readQueryFile(path).catch(() => null))
          : Buffer.from(picture, 'base64')
      if (!bytes) continue
      const [vector] = await clip.embedPixels([await clip.preprocess(bytes, path)])
      found.set(content, vector!)
    }
    return found
  }

  /** A picture as an example; whoever is not indexed leaves a small copy. */
  async function exampleOf(term: SearchTerm, positive: boolean): Promise<Example> {
    const loaded = await loadTerm(term)
    if ('id' in loaded) {
      if ((await pictures.findVectors([loaded.id])).size > 0) {
        return { content: loaded.id, positive, picture: null }
      }
      throw new LucidaError('not_found', `No indexed picture has the id ${loaded.id}`)
    }
    if (!('picture' in loaded)) {
      throw new LucidaError('bad_input', 'Expected a picture to learn from, not a text or a vector')
    }
    const content = await sha256InTurns(loaded.picture)
    if ((await pictures.findVectors([content])).size > 0) {
      return { content, positive, picture: null }
    }
    const copy = await makeThumbnail(loaded.picture, COPY_PX, loaded.pathHint)
    return { content, positive, picture: Buffer.from(copy).toString('base64') }
  }

  async function current(name: string): Promise<StoredConcept> {
    for (;;) {
      const stored = await known(name)
      const isCurrent = stored.model === space.model && stored.recipe === space.recipe
      const fitted = isCurrent ? stored : await fit(stored, stored)
      if (fitted) return fitted
    }
  }

  const head = async (name: string): Promise<ConceptHead> => current(name)

  return {
    async teach(name, { like = [], unlike = [], text, anew = false }) {
      requireConceptName(name)
      const told = [
        ...(await Promise.all(like.map((term) => exampleOf(term, true)))),
        ...(await Promise.all(unlike.map((term) => exampleOf(term, false)))),
      ]
      // Again where others have taught it meanwhile, so that what they said is kept.
      for (;;) {
        const before = await findConcept(db, name)
        const kept = anew ? undefined : before
        // What is said last of a picture holds.
        const examples = new Map(
          [...(kept?.examples ?? []), ...told].map((example) => [example.content, example]),
        )
        if (examples.size > MAX_EXAMPLES) {
          throw new LucidaError('bad_input', `Expected at most ${MAX_EXAMPLES} examples`)
        }
        const words = text?.trim() || (kept?.words ?? null)
        const fitted = await fit({ name, words, examples: [...examples.values()] }, before)
        if (fitted) return shown(fitted)
      }
    },
    list: async () => (await listConcepts(db)).map(shown),
    find: async (name) => shown(await known(name)),
    forget: (name) => removeConcept(db, name),
    head,
    async resolve(term) {
      if (!('concept' in term)) return term
      const { concept, ...weight } = term
      return { vector: conceptDirection(await head(concept)), ...weight }
    },
    async matching({ name, atLeast = DEFAULT_AT_LEAST }) {
      const found = await head(name)
      const least = conceptThreshold(found, atLeast)
      const direction = conceptDirection(found)
      const index = await context.index()
      for (let k = 256; ; k *= 4) {
        const hits = await index.search(direction, k)
        if (hits.length === k && hits.at(-1)!.score >= least) continue
        return hits.filter(({ score }) => score >= least).map(({ content }) => content)
      }
    },
  }
}

function shown(stored: StoredConcept): Concept {
  const { name, words, examples, model, averagePrecision, auc, createdAt, taughtAt } = stored
  const of = (positive: boolean) =>
    examples.filter((one) => one.positive === positive).map(({ content }) => content)
  return {
    name,
    text: words,
    like: of(true),
    unlike: of(false),
    model,
    quality: averagePrecision === null || auc === null ? null : { averagePrecision, auc },
    createdAt,
    taughtAt,
  }
}
