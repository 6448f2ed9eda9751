// Asks a service of the operator's whether texts may be drawn. Whoever runs the server names it; no
// request can. What does not answer, or not in this form, is a refusal: a guard that is away guards.
import { z } from 'zod'
import { LucidaError, messageOf } from '../core/errors.ts'

/** Says why the texts may not be drawn; `null` where they may. */
export type PromptHook = (texts: readonly string[]) => Promise<string | null>

const TIMEOUT_MS = 10_000

const answer = z.object({ allowed: z.boolean(), reason: z.string().max(500).optional() })

/** Posts `{ texts }` and expects `{ allowed, reason }`. Throws `refused` where there is no answer. */
export function askAt(url: string): PromptHook {
  return async (texts) => {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ texts }),
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      if (!response.ok) throw new Error(`status ${response.status}`)
      const { allowed, reason } = answer.parse(await response.json())
      return allowed ? null : (reason ?? 'no reason is given')
    } catch (cause) {
      const message = `Nothing is drawn while the prompt hook does not answer: ${messageOf(cause)}`
      throw new LucidaError('refused', message, { cause })
    }
  }
}
