// The collection: its folders, indexing them, how that goes, and what could not be indexed.
import type { Root } from '../../api/contract.ts'
import type { PartProps } from '../app.tsx'
import { isRunning } from '../collecting.ts'
import { agoText, countText, fileName } from '../describe.ts'
import { AboutModel } from './about-model.tsx'
import { Dialog } from './dialog.tsx'
import { fieldOf } from './field.ts'
import { Icon } from './icon.tsx'
import { JobRow } from './job-row.tsx'
import { ModelRow } from './model-row.tsx'
import { Notice } from './notice.tsx'

export function Collection({ state, actions }: PartProps) {
  const { roots, failures, jobs, session } = state
  const folders = roots?.items ?? []
  const mayIndex = session?.scope === 'write' || session?.scope === 'admin'
  const running = jobs.filter(isRunning)
  const latest = running.length > 0 ? running : jobs.slice(0, 1)
  return (
    <Dialog class="sheet" label="Collection" onClose={actions.closeCollection}>
      <div class="aside-top">
        <h2>Collection</h2>
        <button type="button" class="icon" aria-label="Close" onClick={actions.closeCollection}>
          <Icon name="close" />
        </button>
      </div>
      <Notice state={state} actions={actions} />
      <section aria-label="Folders">
        <ul class="roots">
          {folders.map((root) => (
            <Folder
              key={root.path}
              root={root}
              onIndex={mayIndex ? () => void actions.index([root.path]) : null}
            />
          ))}
        </ul>
        <p class="hint" hidden={roots === null || folders.length > 0 || running.length > 0}>
          No folder is indexed yet. In a shell: <code>lucida index ~/Photos</code>
        </p>
        <button
          type="button"
          class="main"
          hidden={!mayIndex || folders.length === 0}
          disabled={running.length > 0}
          onClick={() => void actions.index()}
        >
          Index now
        </button>
        <button
          type="button"
          hidden={folders.length === 0}
          onClick={() => void actions.showDuplicates('exact')}
        >
          Find duplicates
        </button>
      </section>
      <ModelRow models={state.models} />
      <AddFolder state={state} actions={actions} />
      <section aria-label="Indexing" hidden={latest.length === 0}>
        <h3>Indexing</h3>
        {latest.map((job) => (
          <JobRow
            key={job.id}
            job={job}
            onCancel={mayIndex ? () => void actions.cancel(job) : null}
          />
        ))}
      </section>
      <section aria-label="Failures" hidden={failures.length === 0}>
        <h3>{`Could not be indexed (${failures.length})`}</h3>
        <ul class="failures">
          {failures.map(({ path, reason }) => (
            <li key={path}>
              <b title={path}>{fileName(path)}</b>
              <span>{reason}</span>
            </li>
          ))}
        </ul>
      </section>
      <AboutModel state={state} actions={actions} />
      <p class="foot">
        <a href="/docs">The API</a>
        <button
          type="button"
          class="quiet"
          hidden={!session?.csrfToken}
          onClick={() => void actions.signOut()}
        >
          Sign out
        </button>
      </p>
    </Dialog>
  )
}

function Folder(props: { key: string; root: Root; onIndex: (() => void) | null }) {
  const { root, onIndex } = props
  const { path, pictures, missing, failures, indexedAt } = root
  const facts = [
    countText(pictures, 'picture'),
    missing > 0 ? `${missing} missing` : '',
    failures > 0 ? countText(failures, 'failure') : '',
    indexedAt ? `indexed ${agoText(indexedAt)}` : 'not yet indexed to the end',
  ]
  return (
    <li>
      <div>
        <b>{fileName(path)}</b>
        <span class="path">{path}</span>
        <span class="hint">{facts.filter(Boolean).join(' · ')}</span>
      </div>
      <button
        type="button"
        aria-label={`Index ${fileName(path)} now`}
        hidden={onIndex === null}
        onClick={() => onIndex?.()}
      >
        Index
      </button>
    </li>
  )
}

function AddFolder({ state: { roots, session }, actions }: PartProps) {
  const allowed = roots?.allowed ?? []
  const submit = async (event: Event) => {
    event.preventDefault()
    const form = event.target as HTMLFormElement
    if (await actions.addFolder(fieldOf(event, 'path'))) form.reset()
  }
  return (
    <form
      class="add"
      hidden={session?.scope !== 'admin' || allowed.length === 0}
      onSubmit={(event: Event) => void submit(event)}
    >
      <label for="folder">Add a folder of the server</label>
      <div class="line">
        <input id="folder" name="path" required placeholder={allowed[0] ?? ''} autocomplete="off" />
        <button type="submit">Add</button>
      </div>
      <p class="hint">{`Within ${allowed.join(', ')}`}</p>
    </form>
  )
}
