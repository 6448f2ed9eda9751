// Looks at a drawing as the indexer would look at its file, and compares it with what was asked for and
// with the collection.
import type { AnswerContext } from '../answer.ts'
import type { ContentHash } from '../core/hash.ts'
import { dot } from '../core/vector.ts'
import type { Drawing, Painter } from '../generate/types.ts'
import { describePicture } from '../indexer/decode.ts'
import { encodePicture } from '../pictures/encode-picture.ts'
import { openPicture } from '../pictures/open-picture.ts'
import { likenessOf, lookOf } from '../search/likeness.ts'
import { percentile } from '../search/relevance.ts'
import type { ConceptScore } from '../safety/concepts.ts'
import type { DrawingSafety } from '../safety/safety.ts'
import type { Database } from '../store/database.ts'
import { findPictures } from '../store/pictures.ts'
import type { Direction } from './idea.ts'

/** What a drawing comes to. */
export interface Judgement {
  /** Cosine of its vector and what was asked for. */
  readonly score: number
  /** Percentile among neutral captions; `null` unless the idea is all text. */
  readonly relevance: number | null
  /** Whether it is good enough: relevant, no near copy, better than what the collection offers. */
  readonly passes: boolean
  /** The indexed picture that is nearest to it. */
  readonly nearest: { readonly id: ContentHash; readonly score: number } | null
  /** An indexed picture that it is a near copy of, mirrored or cut or not. */
  readonly nearCopyOf: ContentHash | null
  /** Whether it is a near copy of a picture that the pipeline was trained on. */
  readonly memorised: boolean
}

/** The same, and what the safety policy says of it. */
export interface SafeJudgement extends Judgement {
  /** Concepts whose thresholds it reaches; such a drawing is never handed out. */
  readonly flagged: readonly ConceptScore[]
}

/** What judging takes. */
export interface JudgeContext {
  readonly safety?: DrawingSafety | undefined
  readonly db: Database
  readonly answer: AnswerContext
  readonly painter: Pick<Painter, 'recalls'>
}

const NEIGHBOURS = 10

/** `offered` is what the best picture of the collection scores, where the drawing must score more. */
export async function judge(
  { answer, db, painter, safety }: JudgeContext,
  direction: Direction,
  offered: number | null,
  drawing: Drawing,
): Promise<SafeJudgement> {
  const { clip } = answer
  const picture = await openPicture(await encodePicture(drawing.picture, 'png'))
  const [vector] = await clip.embedPixels([await clip.preprocess(picture)])
  const looks = await describePicture(picture)
  const memorised = await painter.recalls(looks.perceptualHash)
  const score = dot(direction.target, vector!)
  const relevance = direction.isText ? percentile(await answer.bank(), vector!, score) : null
  const near = await (await answer.index()).search(vector!, NEIGHBOURS)
  const rows = await findPictures(
    db,
    near.map(({ content }) => content),
  )
  // Of any shape: a picture may have been squashed before it was learned by heart.
  const square = { widthPx: 1, heightPx: 1 }
  const own = lookOf('', { ...looks, ...square })
  const copied = near.find(({ content, score }) => {
    const row = rows.get(content)
    const likeness = row && likenessOf(own, lookOf(content, { ...row, ...square }), score)
    return likeness?.kind === 'near'
  })
  const threshold = clip.model.relevance?.threshold
  const isRelevant = relevance === null || threshold === undefined || relevance >= threshold
  const flagged = (await safety?.flag?.(vector!)) ?? []
  const isNew = !copied && !memorised
  const nearest = near[0] ? { id: near[0].content, score: near[0].score } : null
  return {
    score,
    relevance,
    passes: isRelevant && isNew && flagged.length === 0 && (offered === null || score > offered),
    nearest,
    nearCopyOf: copied?.content ?? null,
    memorised,
    flagged,
  }
}

/** What the best picture of the collection scores, -1 in an empty one. */
export async function bestOffer(
  { answer }: Pick<JudgeContext, 'answer'>,
  { target }: Direction,
): Promise<number> {
  const drawn = (await answer.drawn()).contents
  const hits = await (await answer.index()).search(target, drawn.size + 1)
  return hits.find(({ content }) => !drawn.has(content))?.score ?? -1
}
