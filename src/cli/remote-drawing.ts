// Drawing by the server that has the data directory open, as if it were done here.
import type { Generation as ApiGeneration, GenerationRequest } from '../api/generation-contract.ts'
import type { PictureSource } from '../api/contract.ts'
import type { Client } from '../client/client.ts'
import { LucidaError } from '../core/errors.ts'
import type { GenerateEvent, GenerateOptions, Generation } from '../lucida.ts'
import type { AnyPlan } from './program.ts'
import { lucidaError, toTerm, translate, translated } from './remote-terms.ts'

/** Orders it; what comes back follows it, and cancels it when it is interrupted. */
export async function planRemotely(
  client: Client,
  send: typeof fetch,
  options: GenerateOptions,
): Promise<AnyPlan> {
  const { generation } = await translated(client.startGeneration({ body: toRequest(options) }))
  const { id, status, picture } = generation
  return {
    earlier: status === 'done' && picture !== null ? { id, picture } : undefined,
    run: (signal) => follow(client, send, id, signal),
  }
}

async function* follow(
  client: Client,
  send: typeof fetch,
  id: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<GenerateEvent, Generation> {
  const cancel = () => void client.cancelGeneration({ params: { id } }).catch(() => {})
  if (signal?.aborted) cancel()
  signal?.addEventListener('abort', cancel)
  let last: ApiGeneration | undefined
  try {
    for await (const news of client.followGeneration(id)) {
      if (news.type === 'generation') last = news.generation
      else if (news.type === 'judged') yield news
      else yield { ...news, previews: [] }
    }
  } catch (error) {
    throw translate(error)
  } finally {
    signal?.removeEventListener('abort', cancel)
  }
  if (last?.error) throw lucidaError(last.error)
  if (last?.status !== 'done') throw new LucidaError('cancelled', 'The drawing was cancelled')
  const { tries, picture, offered, withheld } = last
  const candidates = await Promise.all(
    last.candidates.map(async (candidate, n) => {
      const answer = await send(client.candidateUrl(id, n))
      if (!answer.ok) throw new LucidaError('not_found', `The server has forgotten candidate ${n}`)
      return { ...candidate, png: new Uint8Array(await answer.arrayBuffer()) }
    }),
  )
  return { id, candidates, tries, picture, offered, withheld }
}

function toRequest({ idea, start, ...how }: GenerateOptions): GenerationRequest {
  return {
    ...how,
    ...toIdea(idea),
    ...(start && {
      start: {
        image: toTerm(start.picture) as PictureSource,
        strength: start.strength,
        mask: start.mask && Buffer.from(start.mask).toString('base64'),
      },
    }),
  } as GenerationRequest
}

function toIdea(idea: GenerateOptions['idea']) {
  if ('text' in idea) return idea
  if ('mix' in idea) return { terms: idea.mix.map(toTerm) }
  if ('hitsOf' in idea) return { ...idea, hitsOf: idea.hitsOf.map(toTerm) }
  if ('between' in idea) return { ...idea, between: idea.between.map(toTerm) }
  return { ...idea, change: toTerm(idea.change) }
}
