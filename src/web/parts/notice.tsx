// What went wrong beside the search, until it is dismissed.
import type { PartProps } from '../app.tsx'
import { Icon } from './icon.tsx'

export function Notice({ state: { notice }, actions }: PartProps & { key?: string }) {
  return (
    <div role="alert">
      {notice !== null && (
        <p class="notice">
          <span>{notice}</span>
          <button type="button" class="icon" onClick={actions.dismissNotice} aria-label="Dismiss">
            <Icon name="close" />
          </button>
        </p>
      )}
    </div>
  )
}
