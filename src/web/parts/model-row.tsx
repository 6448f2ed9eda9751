// How a change of model goes, for as long as there is one.
import type { ModelsState } from '../../api/model-contract.ts'

const STATES: Readonly<Record<NonNullable<ModelsState['change']>['state'], string>> = {
  filling: 'Changing to',
  paused: 'Paused on the way to',
  waiting: 'Waiting for folders that are away, on the way to',
}

export function ModelRow({ models }: { models: ModelsState | null }) {
  const change = models?.change ?? null
  const done = change ? change.filled + change.failed : 0
  const pictures = change?.pictures ?? 0
  return (
    <section aria-label="Change of model" hidden={change === null}>
      <h3>Change of model</h3>
      <div class="job">
        <div class="line">
          <b>{change ? `${STATES[change.state]} ${change.model}` : ''}</b>
          <span class="hint">{`${done} of ${pictures}`}</span>
        </div>
        <progress aria-label="Change of model" max={Math.max(1, pictures)} value={done} />
        <p class="hint">{`${models?.serving.model ?? ''} answers until then`}</p>
        <p role="alert">{models?.trouble ?? ''}</p>
      </div>
    </section>
  )
}
