// Pictures that are there more than once: groups, each with its tier and how similar its pictures are.
import type { DuplicateKind, DuplicatesResponse, Image } from '../../api/contract.ts'
import type { Actions } from '../actions.ts'
import type { PartProps } from '../app.tsx'
import { countText, fileName } from '../describe.ts'
import { Dialog } from './dialog.tsx'
import { Icon } from './icon.tsx'

const TIERS: readonly { kind: DuplicateKind; label: string; what: string }[] = [
  { kind: 'exact', label: 'Exact', what: 'The same file in several places.' },
  {
    kind: 'near',
    label: 'Near',
    what: 'One picture resized, recompressed, mirrored, cut or slightly changed.',
  },
  {
    kind: 'look-alike',
    label: 'Look-alike',
    what: 'Different pictures, which mean the same to the model.',
  },
]

export function Duplicates({ state, actions }: PartProps) {
  const { kind, groups, next, phase, trouble } = state.duplicates!
  const isLoading = phase === 'loading'
  return (
    <Dialog class="sheet" label="Duplicates" onClose={actions.closeDuplicates}>
      <div class="aside-top">
        <h2>Duplicates</h2>
        <button type="button" class="icon" aria-label="Close" onClick={actions.closeDuplicates}>
          <Icon name="close" />
        </button>
      </div>
      <div class="line" role="group" aria-label="Tier">
        {TIERS.map((tier) => (
          <button
            key={tier.kind}
            type="button"
            class={tier.kind === kind ? 'main' : ''}
            aria-pressed={String(tier.kind === kind)}
            onClick={() => void actions.showDuplicates(tier.kind)}
          >
            {tier.label}
          </button>
        ))}
      </div>
      <p class="hint">{TIERS.find((tier) => tier.kind === kind)!.what}</p>
      <ul class="groups" aria-label="Groups" aria-busy={String(isLoading)}>
        {groups.map((group) => (
          <Group key={`${kind}-${group.images[0]!.id}`} group={group} actions={actions} />
        ))}
      </ul>
      <p role="status" class="hint">
        {isLoading ? 'Looking…' : countText(groups.length, 'group')}
        {!isLoading && next !== null ? ' so far' : ''}
      </p>
      <p role="alert">{trouble ? `${trouble.title}. ${trouble.message}` : ''}</p>
      <button
        type="button"
        hidden={isLoading || next === null}
        onClick={() => void actions.moreDuplicates()}
      >
        Look further
      </button>
    </Dialog>
  )
}

function Group(props: {
  key: string
  group: DuplicatesResponse['items'][number]
  actions: Actions
}) {
  const { group, actions } = props
  const { kind, images, similarity } = group
  const label = TIERS.find((tier) => tier.kind === kind)!.label
  return (
    <li>
      <span class="tier">{label}</span>
      <ul>
        {images.map((image, i) => (
          <li key={image.id}>
            <button
              type="button"
              class="member"
              aria-label={`Open ${fileName(image.path)}${image.generated ? ', generated' : ''}`}
              onClick={() => actions.openDuplicate(image.id)}
            >
              <img src={actions.thumbnailUrl(image.id, 160)} alt="" loading="lazy" />
              {image.generated && <span class="generated">generated</span>}
            </button>
            <span class="path">{placesText(kind, image)}</span>
            <span class="hint" hidden={i === 0}>
              {`${Math.floor(similarity[i]! * 100)} % like the first`}
            </span>
          </li>
        ))}
      </ul>
    </li>
  )
}

/** What tells copies of one file apart is where they lie. */
function placesText(kind: DuplicateKind, { path, paths }: Image): string {
  return kind === 'exact' ? paths.join('\n') : path
}
