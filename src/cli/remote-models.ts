// The models of a server, for the commands: what it does in the background is followed by asking.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ModelsState } from '../api/model-contract.ts'
import type { Client } from '../client/client.ts'
import type { ModelStatus } from '../lucida.ts'
import type { AnyLucida } from './program.ts'
import { translated } from './remote-terms.ts'

const ASK_EVERY_MS = 500

/** Models, over the API. */
export function remoteModels(client: Client): AnyLucida['models'] {
  const status = async () => toStatus(await translated(client.models()))
  return {
    status,
    use: async (model, options = {}) =>
      toStatus(await translated(client.useModel({ body: { model, ...options } }))),
    pause: async () => toStatus(await translated(client.pauseModel({ body: {} }))),
    resume: async () => toStatus(await translated(client.resumeModel({ body: {} }))),
    rollback: async () => toStatus(await translated(client.rollbackModel({ body: {} }))),
    drop: async (model) => (await translated(client.dropModel({ params: { model } }))).dropped,
    async failures(limit) {
      const { items } = await translated(client.modelFailures())
      return items.slice(0, limit).map(({ id, ...rest }) => ({ content: id, ...rest }))
    },
    async carryOut({ signal, onEvent = () => {} } = {}) {
      const before = (await status()).serving.model
      while (!signal?.aborted) {
        const { serving, change } = await status()
        if (!change) {
          const { model } = serving
          if (model !== before) onEvent({ type: 'switched', model, previous: before })
          return
        }
        const { model, pictures, filled, failed, state } = change
        onEvent({ type: 'filling', model, pictures, filled, failed })
        const away = pictures - filled - failed
        if (state === 'waiting') onEvent({ type: 'waiting', model, away })
        if (state !== 'filling') return
        await sleep(ASK_EVERY_MS, undefined, signal ? { signal } : {}).catch(() => {})
      }
    },
  }
}

function toStatus(state: ModelsState): ModelStatus {
  const { change } = state
  return { ...state, change: change && { ...change, since: new Date(change.since) } }
}
