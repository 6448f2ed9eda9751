// Audits as the open Lucida runs them: over the pictures that a search would look through, one at a
// time, since each goes through the whole collection.
import { type AnswerContext, locateWithoutDrawn } from './answer.ts'
import type { AuditOptions } from './audit/audit.ts'
import type { PictureFacts } from './audit/attribute.ts'
import type { AuditReport } from './audit/report.ts'
import type { Filter } from './search/filter.ts'

/** What is audited, and how. */
export interface AuditCollectionOptions extends AuditOptions {
  /** Only the pictures that pass. */
  readonly filter?: Filter
}

/** An attribute that searches can be balanced by. */
export interface AttributeSummary {
  readonly name: string
  readonly title: string
  readonly source: string
  readonly limits: string
  readonly kind: 'prompts' | 'labels'
}

/** Measures bias. */
export interface Auditing {
  audit(options?: AuditCollectionOptions): Promise<AuditReport>
  attributes(): Promise<AttributeSummary[]>
}

/** Starts nothing yet. */
export function openAuditing(
  answering: <T>(work: (context: AnswerContext) => Promise<T>) => Promise<T>,
): Auditing {
  let turn: Promise<unknown> = Promise.resolve()

  async function audit(
    context: AnswerContext,
    { filter = {}, ...options }: AuditCollectionOptions,
  ): Promise<AuditReport> {
    const { runAudit } = await import('./audit/audit.ts')
    const { clip, pictures } = context
    const terms = await (await context.adjusting()).terms()
    const contents = await pictures.findMatching(await locateWithoutDrawn(context, filter))
    const index = await context.index()
    const facts: PictureFacts = {
      vectorsOf: (some) => index.vectorsOf(some),
      findPictures: (some) => pictures.findPictures(some),
    }
    const { name: model } = clip.model
    const { embedTexts } = clip
    return runAudit({ model, embedTexts, index, contents: [...contents], ...facts }, terms, options)
  }

  return {
    audit(options = {}) {
      const result = turn.then(() => answering((context) => audit(context, options)))
      turn = result.catch(() => {})
      return result
    },
    async attributes() {
      const { attributes } = await answering(async ({ adjusting }) => (await adjusting()).terms())
      return attributes.map(({ name, title, source, limits, ...how }) => {
        return { name, title, source, limits, kind: 'labels' in how ? 'labels' : 'prompts' }
      })
    },
  }
}
