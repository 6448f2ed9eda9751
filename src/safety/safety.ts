// The policy at work: on results, on what is asked to be drawn, and on what was drawn.
import { once } from '../core/once.ts'
import { LucidaError } from '../core/errors.ts'
import type { ContentHash } from '../core/hash.ts'
import type { UnitVector } from '../core/vector.ts'
import {
  type ConceptContext,
  type Concepts,
  type ConceptScore,
  openConcepts,
  type RatedConcept,
} from './concepts.ts'
import { openSafetyLog, type SafetyEvent } from './log.ts'
import { BUILT_IN_POLICY, type Policy, readPolicy } from './policy.ts'
import { askAt, type PromptHook } from './prompt-hook.ts'
import { findBlocked } from './prompts.ts'

/** The settings of it. */
export interface SafetyOptions extends ConceptContext {
  /** What becomes of results that reach a threshold. */
  readonly results: 'off' | 'label' | 'hide'
  /** `prompts`: blocked words are refused; `pictures`: what is drawn is scored too. */
  readonly drawing: 'off' | 'prompts' | 'pictures'
  /** A policy of one's own. */
  readonly file?: string | undefined
  /** Where the operator's own check of prompts is asked. */
  readonly hookUrl?: string | undefined
  /** The same as a function, for programs. */
  readonly hook?: PromptHook | undefined
  /** Where what happens is noted. */
  readonly logFile: string
}

/** Vectors of those contents that have one. */
export type FindVectors = (
  contents: readonly ContentHash[],
) => Promise<ReadonlyMap<ContentHash, UnitVector>>

/** The policy for results. */
export interface ResultSafety {
  /** Whether what is flagged is left out, instead of labelled. */
  readonly hides: boolean
  /** Those that reach a threshold. What has no vector cannot be judged and is not among them. */
  flag(
    contents: readonly ContentHash[],
    findVectors: FindVectors,
  ): Promise<ReadonlyMap<ContentHash, readonly ConceptScore[]>>
  /** Notes what was left out. */
  readonly noteHidden: (flagged: ReadonlyMap<ContentHash, readonly ConceptScore[]>) => Promise<void>
}

/** The policy for drawing. */
export interface DrawingSafety {
  /** Throws `refused` for texts that are not drawn. */
  checkTexts(texts: readonly string[]): Promise<void>
  /** What a drawing reaches; `null` where drawings are not scored. */
  readonly flag: ((picture: UnitVector) => Promise<ConceptScore[]>) | null
  note(event: SafetyEvent): Promise<void>
}

/** Everything about it that is open. */
export interface Safety {
  readonly policy: () => Promise<Policy>
  /** All concepts, whatever their thresholds. */
  scores(picture: UnitVector): Promise<RatedConcept[]>
  /** Absent where it is off. */
  readonly results?: ResultSafety
  readonly drawing?: DrawingSafety
}

/** Verdicts that are remembered: a content's vector never changes. */
const REMEMBERED = 100_000

/** Reads the policy at first use. */
export function openSafety(options: SafetyOptions): Safety {
  const { results, drawing } = options
  const read = once(async () =>
    options.file === undefined
      ? { policy: BUILT_IN_POLICY, folder: '.' }
      : readPolicy(options.file),
  )
  const concepts = once(async () => {
    const { policy, folder } = await read()
    return openConcepts(options, policy, folder)
  })
  const log = openSafetyLog(options.logFile)
  const hook = options.hook ?? (options.hookUrl ? askAt(options.hookUrl) : undefined)
  return {
    policy: async () => (await read()).policy,
    scores: async (picture) => (await concepts()).scores(picture),
    ...(results !== 'off' && { results: judgeResults(results === 'hide', concepts, log) }),
    ...(drawing !== 'off' && {
      drawing: {
        async checkTexts(texts) {
          const { blockedPrompts } = (await read()).policy
          for (const text of texts) {
            const entry = findBlocked(text, blockedPrompts)
            if (entry === undefined) continue
            await log({ what: 'refused', by: 'blocklist', entry })
            throw new LucidaError('refused', `What is to be drawn is on the blocklist: ${entry}`)
          }
          const reason = texts.length > 0 && hook ? await askHook(hook, texts, log) : null
          if (reason !== null) {
            throw new LucidaError('refused', `The prompt hook refuses it: ${reason}`)
          }
        },
        flag: drawing === 'pictures' ? async (picture) => (await concepts()).flags(picture) : null,
        note: log,
      },
    }),
  }
}

type Note = (event: SafetyEvent) => Promise<void>

/** A hook that fails has refused. */
async function askHook(
  hook: PromptHook,
  texts: readonly string[],
  note: Note,
): Promise<string | null> {
  const reason = await hook(texts).catch(async (error: unknown) => {
    await note({ what: 'refused', by: 'hook' })
    if (error instanceof LucidaError) throw error
    throw new LucidaError('refused', 'The prompt hook has failed', { cause: error })
  })
  if (reason !== null) await note({ what: 'refused', by: 'hook' })
  return reason
}

function judgeResults(hides: boolean, concepts: () => Promise<Concepts>, note: Note): ResultSafety {
  const verdicts = new Map<ContentHash, readonly ConceptScore[]>()
  return {
    hides,
    async flag(contents, findVectors) {
      if (verdicts.size > REMEMBERED) verdicts.clear()
      // Taken out before anything is waited for: what is remembered may be forgotten meanwhile.
      const known = new Map(contents.map((content) => [content, verdicts.get(content)]))
      const unknown = contents.filter((content) => !known.get(content))
      if (unknown.length > 0) {
        const { flags } = await concepts()
        for (const [content, vector] of await findVectors(unknown)) {
          const verdict = flags(vector)
          verdicts.set(content, verdict)
          known.set(content, verdict)
        }
      }
      return new Map(
        contents.flatMap((content) => {
          const flagged = known.get(content) ?? []
          return flagged.length > 0 ? [[content, flagged] as const] : []
        }),
      )
    },
    async noteHidden(flagged) {
      if (flagged.size === 0) return
      const pictures = [...flagged].map(([content, scores]) => [
        content,
        scores.map(({ concept }) => concept),
      ])
      await note({ what: 'hidden', pictures: Object.fromEntries(pictures) })
    },
  }
}
