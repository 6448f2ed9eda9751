// The state of the page, in one place, and who is told when it changes.
import type { AttributesResponse } from '../api/audit-contract.ts'
import type { Concept } from '../api/concept-contract.ts'
import type {
  FacetsResponse,
  FailuresResponse,
  ImageDetail,
  Job,
  RootsResponse,
  SearchItem,
  SearchResponse,
  SessionResponse,
} from '../api/contract.ts'
import type { Generation } from '../api/generation-contract.ts'
import type { ModelsState } from '../api/model-contract.ts'
import type { Duplicates } from './comparing.ts'
import type { Order } from './orders.ts'
import { EMPTY, type Query } from './query.ts'

/** Why something did not work, for a person. */
export interface Trouble {
  readonly title: string
  readonly message: string
}

/** The answer to the query, as far as it has come. */
export interface Results {
  readonly items: readonly SearchItem[]
  readonly nextCursor: string | null
  /** Pictures that pass the filter. */
  readonly matching: number
  readonly tookMs: number
  readonly relevanceThreshold: number | null
  /** What was done to question and order. */
  readonly adjusted: SearchResponse['adjusted']
  /** Pictures that the server's safety policy left out so far. */
  readonly leftOut: number
  readonly phase: 'loading' | 'loading-more' | 'ready' | 'failed'
  readonly trouble: Trouble | null
}

/** What is being drawn, or was drawn last. */
export interface Development {
  readonly order: Order
  readonly isOpen: boolean
  /** `lost`: the connection broke, and is tried again. */
  readonly phase: 'ordering' | 'following' | 'lost' | 'over'
  /** Null until the server has taken the order. */
  readonly generation: Generation | null
  /** What the pictures of this round look like so far, as data: URLs. */
  readonly previews: readonly string[]
  /** Ids of the pictures that were kept, by their number among the candidates. */
  readonly kept: Readonly<Record<number, string>>
  readonly trouble: Trouble | null
}

/** Everything that the page shows. */
export interface State {
  /** Null until the server has said who is asking. */
  readonly session: SessionResponse | null
  readonly query: Query
  /** The question that `results` answer: behind `query` while an answer is on its way. */
  readonly answered: Query
  readonly results: Results
  readonly facets: FacetsResponse | null
  /** The model that searches; null until it has. */
  readonly model: string | null
  /** What results can be balanced by. */
  readonly attributes: AttributesResponse['items']
  /** Id of the picture that is shown large. */
  readonly view: string | null
  readonly detail: ImageDetail | null
  /** The picture that was shown large last, and the one before it. */
  readonly opened: readonly string[]
  readonly development: Development | null
  /** Why this server draws nothing, once it has said so. */
  readonly cannotDraw: string | null
  readonly isCollectionOpen: boolean
  /** Null unless they are shown. */
  readonly duplicates: Duplicates | null
  /** What was taught, by name. */
  readonly concepts: readonly Concept[]
  readonly roots: RootsResponse | null
  readonly failures: FailuresResponse['items']
  /** Newest first. */
  readonly jobs: readonly Job[]
  /** The model that answers, and how a change to another goes; `null` until it is known. */
  readonly models: ModelsState | null
  /** What went wrong beside the search. */
  readonly notice: string | null
}

export const START: State = {
  session: null,
  query: EMPTY,
  answered: EMPTY,
  results: {
    items: [],
    nextCursor: null,
    matching: 0,
    tookMs: 0,
    relevanceThreshold: null,
    adjusted: null,
    leftOut: 0,
    phase: 'loading',
    trouble: null,
  },
  facets: null,
  model: null,
  attributes: [],
  view: null,
  detail: null,
  opened: [],
  development: null,
  cannotDraw: null,
  isCollectionOpen: false,
  duplicates: null,
  concepts: [],
  roots: null,
  failures: [],
  jobs: [],
  models: null,
  notice: null,
}

/** Holds the state. */
export interface Store {
  readonly state: State
  change(part: Partial<State>): void
  /** Returns how to stop. */
  subscribe(listener: () => void): () => void
}

export function createStore(start: State = START): Store {
  let state = start
  const listeners = new Set<() => void>()
  return {
    get state() {
      return state
    },
    change(part) {
      state = { ...state, ...part }
      for (const listener of listeners) listener()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
