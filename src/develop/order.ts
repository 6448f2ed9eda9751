// What may be ordered: options with their ranges, and the settings that they come to.
import { randomInt } from 'node:crypto'
import type { SearchTerm } from '../answer.ts'
import { invalidInput } from '../core/errors.ts'
import type { PainterSpec } from '../generate/types.ts'
import type { Idea } from './idea.ts'

/** What to draw, and how. */
export interface GenerateOptions {
  readonly idea: Idea
  /** What to stay away from. */
  readonly avoid?: string | undefined
  /** Pictures a round, 1 to 16; 4 when not given. */
  readonly candidates?: number | undefined
  /** Whole number in [0, 2^32) of the first candidate, the others count on; any when not given. */
  readonly seed?: number | undefined
  /** 1 to 200. */
  readonly steps?: number | undefined
  /** 0 to 20. */
  readonly guidance?: number | undefined
  /** How far to stray from the embedding, 0 to 1. */
  readonly variation?: number | undefined
  /** A picture to begin with; a mask of its size says what of it may change (white). */
  readonly start?:
    | {
        readonly picture: SearchTerm
        /** How much of it goes, in (0, 1]; 0.6 when not given. */
        readonly strength?: number | undefined
        /** An encoded picture. */
        readonly mask?: Uint8Array | undefined
      }
    | undefined
  /** Pixels of the files, 16 to 2048 each; as drawn when not given. */
  readonly size?: { readonly width: number; readonly height: number } | undefined
  /** While nothing passes, tries again, 1 to 5 times in all; once when not given. */
  readonly rounds?: number | undefined
  /**
   * `none` keeps nothing; `best` the best candidate; `accepted` only one that is relevant and scores
   * more than anything in the collection. No near copy of an indexed picture is ever kept.
   */
  readonly keep?: 'none' | 'best' | 'accepted' | undefined
}

/** An order with its defaults filled in. */
export interface Settings {
  readonly candidates: number
  readonly seed: number
  readonly steps: number
  readonly guidance: number
  readonly variation: number
  readonly rounds: number
  readonly keep: 'none' | 'best' | 'accepted'
}

const MAX_CANDIDATES = 16
const DEFAULT_CANDIDATES = 4
const MAX_STEPS = 200
const MAX_GUIDANCE = 20
const MAX_ROUNDS = 5
const MAX_TEXT = 4000
const MIN_SIDE_PX = 16
const MAX_SIDE_PX = 2048
const SEEDS = 2 ** 32

/** Fills in what an order does not say. Throws `bad_input` that names the option. */
export function settingsOf(options: GenerateOptions, spec: PainterSpec): Settings {
  checkOptions(options)
  const { steps, guidance } = spec.defaults
  return {
    candidates: options.candidates ?? DEFAULT_CANDIDATES,
    seed: options.seed ?? randomInt(SEEDS),
    steps: options.steps ?? steps,
    guidance: options.guidance ?? guidance,
    variation: options.variation ?? 0,
    rounds: options.rounds ?? 1,
    keep: options.keep ?? 'none',
  }
}

function checkOptions(options: GenerateOptions): void {
  const { candidates, seed, steps, guidance, variation, rounds, size, start, avoid } = options
  checkInteger('candidates', candidates, 1, MAX_CANDIDATES)
  checkInteger('seed', seed, 0, SEEDS - 1)
  checkInteger('steps', steps, 1, MAX_STEPS)
  checkInteger('rounds', rounds, 1, MAX_ROUNDS)
  checkNumber('guidance', guidance, 0, MAX_GUIDANCE)
  checkNumber('variation', variation, 0, 1)
  checkNumber('strength', start?.strength, Number.MIN_VALUE, 1)
  checkInteger('width', size?.width, MIN_SIDE_PX, MAX_SIDE_PX)
  checkInteger('height', size?.height, MIN_SIDE_PX, MAX_SIDE_PX)
  if (avoid !== undefined && avoid.length > MAX_TEXT) {
    throw invalidInput('avoid', `at most ${MAX_TEXT} characters`, avoid.length)
  }
}

function checkInteger(name: string, value: number | undefined, low: number, high: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= low && value <= high)) return
  throw invalidInput(name, `integer between ${low} and ${high}`, value)
}

function checkNumber(name: string, value: number | undefined, low: number, high: number): void {
  if (value === undefined || (value >= low && value <= high)) return
  throw invalidInput(
    name,
    low > 0 ? `number above 0, at most ${high}` : `number between ${low} and ${high}`,
    value,
  )
}
