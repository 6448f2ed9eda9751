// What a search may ask for beside its terms: a query without an attribute in it, and a ranking that
// is balanced by one.
import { LucidaError } from '../core/errors.ts'
import { once } from '../core/once.ts'
import type { ContentHash } from '../core/hash.ts'
import type { EmbedTexts } from '../models/clip.ts'
import type { EncodedQuery } from '../search/query.ts'
import type { Reorder } from '../search/rank.ts'
import { type Attribute, hasAnyWord, openAttribute, type PictureFacts } from './attribute.ts'
import { balancedOrder } from './balance.ts'
import { type Debias, openDebias } from './debias.ts'
import { findAttribute, loadTermSets, type TermSets } from './term-sets.ts'

/** How a search was adjusted, for its answer. */
export interface Adjusted {
  readonly debias: {
    readonly attribute: string
    /** Why the query was left as it is; `null` where the attribute was taken out of it. */
    readonly leftAsItIs: 'not_all_text' | 'asks_for_it' | null
  } | null
  readonly balance: {
    readonly attribute: string
    /** Why the order was left as it is; `null` where it was balanced. */
    readonly leftAsItIs: 'asks_for_it' | null
    /** So many of the best results were put into a new order; what follows keeps its own. */
    readonly window: number
  } | null
}

/** Debiasing and balancing by the term sets of one Lucida. */
export interface Adjusting {
  readonly terms: () => Promise<TermSets>
  /** Throws `bad_input` for an unknown attribute, and for one of labels. */
  debias(
    name: string,
    query: EncodedQuery,
    texts: readonly string[],
  ): Promise<{ readonly query: EncodedQuery; readonly done: NonNullable<Adjusted['debias']> }>
  /** Throws `bad_input` for an unknown attribute. */
  balance(
    name: string,
    texts: readonly string[],
  ): Promise<{ readonly reorder?: Reorder; readonly done: NonNullable<Adjusted['balance']> }>
}

/**
 * Results that are balanced among themselves. Always the same ones, however they are asked for, so
 * that pages neither repeat nor skip.
 */
export const BALANCE_WINDOW = 200

/** Reads nothing yet. */
export function openAdjusting(
  embedTexts: EmbedTexts,
  facts: PictureFacts,
  termsFile?: string,
): Adjusting {
  const terms = once(() => loadTermSets(termsFile))
  const projections = new Map<string, Debias>()
  const attributes = new Map<string, Attribute>()

  async function attributeOf(name: string): Promise<Attribute> {
    const known = attributes.get(name)
    if (known) return known
    const opened = await openAttribute(embedTexts, facts, findAttribute(await terms(), name))
    attributes.set(name, opened)
    return opened
  }

  return {
    terms,
    async debias(name, query, texts) {
      const all = await terms()
      const attribute = findAttribute(all, name)
      if ('labels' in attribute) {
        throw new LucidaError(
          'bad_input',
          `The attribute ${name} is known by labels only: it can be balanced, not taken out of a query`,
        )
      }
      const words = attribute.values.flatMap((value) => value.words)
      const leave = (why: 'not_all_text' | 'asks_for_it') => {
        return { query, done: { attribute: name, leftAsItIs: why } }
      }
      if (!query.isText) return leave('not_all_text')
      if (texts.some((text) => hasAnyWord(text, words))) return leave('asks_for_it')
      const debias = projections.get(name) ?? (await openDebias(embedTexts, attribute, all))
      projections.set(name, debias)
      const vector = debias(query.vector)
      return { query: { ...query, vector }, done: { attribute: name, leftAsItIs: null } }
    },
    async balance(name, texts) {
      const attribute = await attributeOf(name)
      const done = { attribute: name, window: BALANCE_WINDOW, leftAsItIs: null }
      if (texts.some((text) => hasAnyWord(text, attribute.words))) {
        return { done: { ...done, leftAsItIs: 'asks_for_it' } }
      }
      const shares = attribute.values.map(() => 1 / attribute.values.length)
      const order = async (contents: readonly ContentHash[]) =>
        balancedOrder(await attribute.valuesOf(contents), shares)
      return { reorder: { window: BALANCE_WINDOW, order }, done }
    },
  }
}
