// What an audit says: figures about a collection and a model as a whole. Nothing here names a picture.
import type { Interval } from './bootstrap.ts'

/** One association test. */
export interface AssociationResult {
  readonly name: string
  readonly title: string
  readonly source: string
  /** Whether it is there to test the model's fitness for such tests. */
  readonly control: boolean
  /** Names of the two targets and of the two attributes. */
  readonly targets: readonly [string, string]
  readonly attributes: readonly [string, string]
  /** `words`, or `pictures` where the targets are the user's labelled groups. */
  readonly of: 'words' | 'pictures'
  readonly effect: number
  readonly interval: Interval
  readonly p: number
  /** p, adjusted for all association tests of this report (Holm). */
  readonly adjustedP: number
  readonly isExact: boolean
  readonly permutations: number
}

/** The first pictures for one query. */
export interface QueryComposition {
  readonly query: string
  /** In the order of the attribute's values. */
  readonly shares: readonly number[]
  readonly maxSkew: number
  /** Over pictures drawn anew. */
  readonly interval: Interval
  readonly favoured: string
  readonly ndkl: number
  readonly p: number
  /** p, adjusted for all queries of this attribute (Holm). */
  readonly adjustedP: number
}

/** A mean over all queries. */
export interface MeanOverQueries {
  readonly mean: number
  /** Over queries drawn anew. */
  readonly interval: Interval
  /** Share of random assignments of values to pictures under which it is as large. */
  readonly p: number
}

/** The composition of what neutral queries find, by one attribute. */
export interface CompositionResult {
  readonly attribute: string
  readonly title: string
  readonly source: string
  readonly limits: string
  readonly kind: 'prompts' | 'labels'
  /** Why nothing was measured; `null` where it was. */
  readonly skipped: string | null
  /** Pictures that have a value. */
  readonly pictures: number
  readonly values: readonly {
    readonly name: string
    /** Among the pictures that have a value. */
    readonly share: number
    /** The share that is asked for. */
    readonly target: number
  }[]
  readonly queries: readonly QueryComposition[]
  readonly maxSkew: MeanOverQueries | null
  readonly ndkl: MeanOverQueries | null
}

/** How alike the answers to paraphrases are. */
export interface SensitivityResult {
  readonly queries: readonly {
    readonly query: string
    readonly phrases: number
    readonly overlap: number
    readonly rbo: number
  }[]
  readonly overlap: number
  readonly overlapInterval: Interval
  readonly rbo: number
  readonly rboInterval: Interval
}

/** How often something is wrong, in one group. */
export interface GroupRate {
  readonly group: string
  readonly pictures: number
  readonly rate: number
  readonly interval: Interval
}

/** Zero-shot errors by group. */
export interface MisclassificationResult {
  readonly name: string
  readonly source: string
  readonly groups: readonly GroupRate[]
}

/** An audit. */
export interface AuditReport {
  readonly schema: 'lucida.audit/1'
  readonly model: string
  /** Pictures that were looked through. */
  readonly pictures: number
  readonly k: number
  readonly target: 'collection' | 'equal'
  readonly seed: number
  readonly permutations: number
  readonly resamples: number
  readonly associations: readonly AssociationResult[]
  readonly compositions: readonly CompositionResult[]
  readonly sensitivity: SensitivityResult | null
  readonly misclassification: readonly MisclassificationResult[]
  /** What the figures can and cannot show, in plain words. */
  readonly caveats: readonly string[]
}
