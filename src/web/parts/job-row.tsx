// How one run of the indexer goes.
import type { Job } from '../../api/contract.ts'
import { isRunning } from '../collecting.ts'
import { countText, fileName } from '../describe.ts'

const STATES: Readonly<Record<Job['state'], string>> = {
  queued: 'Waiting',
  running: 'Indexing',
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
}

export function JobRow(props: { key: string; job: Job; onCancel: (() => void) | null }) {
  const { job, onCancel } = props
  const { done, found, complete, state, folder, counts, error } = job
  const where = folder === null ? '' : `: ${fileName(folder)}`
  const far = found === 0 ? '' : `${done} of ${found}${complete ? '' : ' or more'}`
  return (
    <div class="job">
      <div class="line">
        <b>{`${STATES[state]}${where}`}</b>
        <span class="hint">{isRunning(job) ? far : ''}</span>
      </div>
      <progress
        hidden={!isRunning(job)}
        aria-label={`Indexing${where}`}
        max={Math.max(1, found)}
        value={done}
      />
      <p class="hint" aria-live="polite">
        {isRunning(job) || !counts ? '' : summary(counts)}
      </p>
      <p role="alert">{error?.message ?? ''}</p>
      <button
        type="button"
        hidden={!isRunning(job) || onCancel === null}
        onClick={() => onCancel?.()}
      >
        Stop
      </button>
    </div>
  )
}

function summary({ embedded, reused, unchanged, vanished, failed }: NonNullable<Job['counts']>) {
  const parts = [
    countText(embedded, 'new picture'),
    reused > 0 ? countText(reused, 'copy', 'copies') : '',
    unchanged > 0 ? `${unchanged.toLocaleString('en-GB')} as before` : '',
    vanished > 0 ? `${vanished.toLocaleString('en-GB')} gone` : '',
    failed > 0 ? countText(failed, 'failure') : '',
  ]
  return parts.filter(Boolean).join(' · ')
}
