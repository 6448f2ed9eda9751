// Draws what was asked for, judges it with the search model, and keeps what passes: plan, rounds,
// candidates, record. Kept pictures lie in a folder of their own, which is indexed like any other.
import { randomBytes } from 'node:crypto'
import type { AnswerContext } from '../answer.ts'
import { LucidaError, messageOf } from '../core/errors.ts'
import { type ContentHash, sha256 } from '../core/hash.ts'
import { mapItems } from '../core/stream.ts'
import type { UnitVector } from '../core/vector.ts'
import { VERSION } from '../core/version.ts'
import { type Candidate, drawInRounds, type Try } from '../generate/feedback.ts'
import type { ProvenanceRecord } from '../generate/provenance.ts'
import type { Painter, Start } from '../generate/types.ts'
import type { Raster } from '../pictures/raster.ts'
import type { Database } from '../store/database.ts'
import {
  findKept,
  noteKept,
  recordGeneration,
  type StoredGeneration,
} from '../store/generations.ts'
import { type Direction, type IdeaContext, meaningOf, understand, wantedTexts } from './idea.ts'
import type { DrawingSafety } from '../safety/safety.ts'
import { bestOffer, judge, type Judgement, type SafeJudgement } from './judge.ts'
import { encodeMarked, keepPicture } from './keep.ts'
import { type GenerateOptions, type Settings, settingsOf } from './order.ts'
import { loadStart, shapeOf } from './start.ts'

/** A picture that was drawn, and what is thought of it. */
export interface DrawnCandidate extends Judgement {
  readonly seed: number
  readonly round: number
  readonly guidance: number
  /** PNG with its marks. */
  readonly png: Uint8Array<ArrayBuffer>
}

/** An order that has ended. */
export interface Generation {
  readonly id: string
  /** Best first. */
  readonly candidates: readonly DrawnCandidate[]
  readonly tries: readonly Try[]
  /** The kept picture, which is indexed. */
  readonly picture: ContentHash | null
  /** What the best picture of the collection scored, where it was asked. */
  readonly offered: number | null
  /** Candidates that the safety policy kept back. */
  readonly withheld: number
}

/** How an order goes. */
export type GenerateEvent =
  | {
      readonly type: 'step'
      readonly round: number
      readonly step: number
      readonly steps: number
      readonly seeds: readonly number[]
      readonly previews?: readonly Raster[]
    }
  | { readonly type: 'judged'; readonly try: Try }

/** What was asked, as it is recorded: defaults filled in, pictures by their SHA-256. */
export interface RecordedRequest
  extends Pick<ProvenanceRecord, 'idea' | 'avoid' | 'start'>,
    Settings {
  readonly size?: GenerateOptions['size']
}

/** What tells an order from others that ask the same. */
export interface Identity {
  readonly id: string
  readonly seed: number
}

/** An order that was understood: what follows is drawing. */
export interface PlannedGeneration {
  readonly id: string
  /** SHA-256 of all that decides the pictures. */
  readonly requestHash: ContentHash
  /** An earlier one of the same request whose picture was kept: nothing needs to be drawn. */
  readonly earlier: StoredGeneration | undefined
  readonly request: RecordedRequest
  /** Draws. Throws the signal's reason. Call once. */
  run(signal?: AbortSignal): AsyncGenerator<GenerateEvent, Generation>
}

/** What drawing needs. */
export interface GenerationContext {
  readonly db: Database
  readonly answer: AnswerContext
  readonly openPainter: () => Promise<Painter>
  /** What is not drawn, or not handed out; absent where that is off. */
  readonly safety?: DrawingSafety | undefined
  /** Folder of the kept pictures. */
  readonly folder: string
  /** Indexes that folder. Throws where this file of it cannot be. */
  readonly indexFolder: (file: string) => Promise<void>
}

/**
 * Checks and understands an order. Throws `bad_input` that names the field, and what `understand`
 * throws; `refused` for texts that the safety policy does not let be drawn; `model_missing` and the
 * like where the pipeline cannot be opened.
 */
export async function planGeneration(
  context: GenerationContext,
  options: GenerateOptions,
  as?: Identity,
): Promise<PlannedGeneration> {
  await context.safety?.checkTexts(wantedTexts(options.idea))
  const painter = await context.openPainter()
  const settings = { ...settingsOf(options, painter.spec), ...(as && { seed: as.seed }) }
  checkSpace(painter, context)
  const direction = await understand(ideaContext(context, painter, settings.seed), options.idea)
  const start = options.start && (await loadStart(options.start))
  const avoid = options.avoid?.trim() || undefined
  const request: Request = {
    idea: direction.record as Request['idea'],
    ...(avoid !== undefined && { avoid }),
    ...(start && { start: start.record }),
  }
  const { answer, db } = context
  // A seed that nobody asked for does not make another request.
  const asked = { ...request, ...settings, seed: options.seed ?? null, size: options.size ?? null }
  const decisive = [asked, [...direction.target], answer.clip.model.recipe, painter.spec.digests]
  const requestHash = sha256(JSON.stringify(decisive))
  const id = as?.id ?? randomBytes(9).toString('base64url')
  const plan: Plan = {
    id,
    requestHash,
    request,
    settings,
    direction,
    painter,
    size: options.size ?? (start && shapeOf(start.start.picture, painter.spec.size)),
    start: start?.start,
  }
  return {
    id,
    requestHash,
    request: recordedRequest(plan),
    earlier: settings.keep === 'none' ? undefined : await findKept(db, requestHash),
    run: (signal) => drawAndRecord(context, plan, signal),
  }
}

type Request = Pick<ProvenanceRecord, 'idea' | 'avoid' | 'start'>

interface Plan {
  readonly id: string
  readonly requestHash: ContentHash
  readonly request: Request
  readonly settings: Settings
  readonly direction: Direction
  readonly painter: Painter
  readonly size: GenerateOptions['size']
  readonly start: Start | undefined
}

function recordedRequest({ request, settings, size }: Plan): RecordedRequest {
  return { ...request, ...settings, ...(size && { size }) }
}

/** Draws, and writes down how it ended, whatever the end. */
async function* drawAndRecord(
  context: GenerationContext,
  plan: Plan,
  signal: AbortSignal | undefined,
): AsyncGenerator<GenerateEvent, Generation> {
  const createdAt = new Date()
  const { id, requestHash } = plan
  const request = recordedRequest(plan)
  const note = (end: Pick<StoredGeneration, 'state' | 'outcome' | 'picture'>) =>
    recordGeneration(context.db, {
      id,
      requestHash,
      request,
      createdAt,
      endedAt: new Date(),
      ...end,
    })
  try {
    const generation = yield* draw(context, plan, signal)
    await note({ state: 'done', outcome: outcomeOf(generation), picture: generation.picture })
    return generation
  } catch (error) {
    const state = signal?.aborted ? 'cancelled' : 'failed'
    const code = error instanceof LucidaError ? error.code : 'internal'
    await note({ state, outcome: { error: { code, message: messageOf(error) } }, picture: null })
    throw error
  }
}

/** Keeps a candidate after all. Throws `bad_input` for one that is no new picture. */
export async function keepCandidate(
  { db, folder, indexFolder }: GenerationContext,
  id: string,
  { nearCopyOf, memorised, png }: DrawnCandidate,
): Promise<ContentHash> {
  if (nearCopyOf !== null || memorised) {
    const copied = nearCopyOf === null ? 'a picture learned by heart' : `the picture ${nearCopyOf}`
    throw new LucidaError('bad_input', `This is a near copy of ${copied}; copies are not kept`)
  }
  const picture = await keepPicture(folder, png, indexFolder)
  await noteKept(db, id, picture)
  return picture
}

async function* draw(
  context: GenerationContext,
  plan: Plan,
  signal: AbortSignal | undefined,
): AsyncGenerator<GenerateEvent, Generation> {
  const { settings, direction, painter, start } = plan
  const { answer } = context
  const { seed, candidates: count, rounds, guidance, steps, variation, keep } = settings
  const { avoid } = plan.request
  const avoided = avoid === undefined ? undefined : await meaningOf(answer.clip, avoid)
  const offered = keep === 'accepted' ? await bestOffer(context, direction) : null
  const { candidates, tries } = yield* withoutPreviews(
    context.safety?.flag != null,
    drawInRounds({
      seed,
      candidates: count,
      guidance,
      rounds,
      draw: (seeds, scale) =>
        painter.draw({
          condition: direction.condition,
          ...(avoided && { negative: { meaning: avoided } }),
          seeds,
          steps,
          guidance: scale,
          variation,
          ...(start && { start }),
          ...(signal && { signal }),
        }),
      judge: (drawing) => judge({ ...context, painter }, direction, offered, drawing),
    }),
  )
  signal?.throwIfAborted()
  const shown = await withhold(context, plan.id, candidates)
  const finished = await Promise.all(shown.map((one) => finish(context, plan, one)))
  const best = finished.find(({ nearCopyOf, memorised }) => !nearCopyOf && !memorised)
  const kept = keep === 'none' || (keep === 'accepted' && !best?.passes) ? undefined : best
  const picture = kept && (await keepPicture(context.folder, kept.png, context.indexFolder))
  const withheld = candidates.length - shown.length
  return { id: plan.id, candidates: finished, tries, picture: picture ?? null, offered, withheld }
}

/** Where drawings may have to be withheld, nobody looks at them before they are judged. */
function withoutPreviews<T>(
  isChecked: boolean,
  run: AsyncGenerator<GenerateEvent, T>,
): AsyncGenerator<GenerateEvent, T> {
  return mapItems(run, (event) => {
    if (!isChecked || event.type === 'judged') return event
    const { previews: _, ...step } = event
    return step
  })
}

/** Those that may be handed out. Throws `refused` where there are none. */
async function withhold(
  { safety }: GenerationContext,
  order: string,
  candidates: readonly Candidate<SafeJudgement>[],
): Promise<Candidate<SafeJudgement>[]> {
  const names = new Set<string>()
  for (const { flagged, seed } of candidates) {
    if (flagged.length === 0) continue
    const concepts = flagged.map(({ concept }) => concept)
    for (const concept of concepts) names.add(concept)
    await safety?.note({ what: 'withheld', order, seed, concepts })
  }
  const shown = candidates.filter(({ flagged }) => flagged.length === 0)
  if (shown.length > 0) return shown
  const message = `Nothing that was drawn is handed out: it may show ${[...names].join(', ')}`
  throw new LucidaError('refused', message)
}

/** As a file with its marks. */
async function finish(
  { answer }: GenerationContext,
  { painter, settings, request, size }: Plan,
  { picture, seed, round, guidance, score, relevance, ...judged }: Candidate<Judgement>,
): Promise<DrawnCandidate> {
  const { name, digests } = painter.spec
  const record = {
    schema: 'lucida.record/1' as const,
    program: VERSION,
    pipeline: { name, files: { ...digests } },
    judge: { model: answer.clip.model.name, recipe: answer.clip.model.recipe },
    ...request,
    seed,
    steps: settings.steps,
    guidance,
    variation: settings.variation,
    score,
    relevance,
  }
  const { passes, nearest, nearCopyOf, memorised } = judged
  const judgement = { score, relevance, passes, nearest, nearCopyOf, memorised }
  // A picture to begin with was squashed to the pipeline's shape, and gets its own back.
  const fit = request.start ? 'fill' : 'cover'
  const png = await encodeMarked(picture, record, size && { ...size, fit })
  return { seed, round, guidance, ...judgement, png }
}

function ideaContext(context: GenerationContext, painter: Painter, seed: number): IdeaContext {
  const { clip, pictures, index, drawn } = context.answer
  return {
    clip,
    findVector: async (id: ContentHash) => (await pictures.findVectors([id])).get(id),
    async findHits(query: UnitVector, count: number) {
      const own = (await drawn()).contents
      const searched = await index()
      const hits = (await searched.search(query, count + own.size)).filter(
        ({ content }) => !own.has(content),
      )
      const ids = hits.slice(0, count).map(({ content }) => content)
      const vectors = await searched.vectorsOf(ids)
      return ids.map((id) => ({ id, vector: vectors.get(id)! }))
    },
    imagine: (meaning: UnitVector) => painter.imagine(meaning, seed),
  }
}

/** The pictures themselves are the caller's; what is kept of the rest. */
function outcomeOf({ candidates, tries, offered, withheld }: Generation) {
  const facts = candidates.map((candidate) => ({ ...candidate, png: undefined }))
  return { tries, offered, withheld, candidates: facts }
}

function checkSpace({ spec }: Painter, { answer }: GenerationContext): void {
  const { model } = answer.clip
  const { space } = spec
  const isOther = (recipe: string | null) => recipe !== null && recipe !== model.space
  if (space && (space.model !== model.name || isOther(space.recipe))) {
    throw new LucidaError(
      'dimension_mismatch',
      `${spec.name} draws from vectors of ${space.model}, and searches use ${model.name}; choose another generator or model`,
    )
  }
}
