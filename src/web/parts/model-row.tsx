// How a change of model goes, for as long as there is one.
import type { ModelsState } from '../../api/model-contract.ts'

const STATES: Readonly<Record<NonNullable<ModelsState['change']>['state'], string>> = {
  filling: 'Changing to',
  paused: 'Paused on the way to',
  waiting: 'Waiting for folders that are away, on the way to',
}

export function ModelRow({ models }: { models: ModelsState | null }) {
  const change = models?.change ?? null
  return (
    <section aria-label="Change of model" hidden={change === null}>
      <h3>Change of model</h3>
      {models && change && (
        <div class="job">
          <div class="line">
            <b>{`${STATES[change.state]} ${change.model}`}</b>
            <span class="hint">{`${change.filled + change.failed} of ${change.pictures}`}</span>
          </div>
          <progress
            aria-label="Change of model"
            max={Math.max(1, change.pictures)}
            value={change.filled + change.failed}
          />
          <p class="hint">{`${models.serving.model} answers until then`}</p>
          <p role="alert">{models.trouble ?? ''}</p>
        </div>
      )}
    </section>
  )
}
