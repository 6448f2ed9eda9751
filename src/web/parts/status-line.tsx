// How many pictures were found and how long that took; said aloud when it changes.
import { adjustedText } from '../adjust.ts'
import type { PartProps } from '../app.tsx'
import { countText } from '../describe.ts'
import { isListing } from '../query.ts'
import { DevelopIt } from './develop-it.tsx'

export function StatusLine({ state, actions }: PartProps) {
  const { results, answered } = state
  const { phase, items, matching, tookMs, relevanceThreshold, leftOut } = results
  const isBusy = phase === 'loading' || phase === 'loading-more'
  const best = Math.max(...items.map(({ relevance }) => relevance ?? Infinity))
  const isDoubtful = relevanceThreshold !== null && items.length > 0 && best < relevanceThreshold
  const found = isListing(answered)
    ? countText(matching, 'picture')
    : `${countText(matching, 'picture')}, ${answered.order === 'takenAt' ? 'newest' : 'best'} first`
  const how = [found, adjustedText(results.adjusted)].filter(Boolean).join(' · ')
  const took = tookMs < 1 ? 'under 1 ms' : `${Math.round(tookMs)} ms`
  return (
    <div class={isBusy ? 'status busy' : 'status'}>
      <p aria-live="polite" role="status">
        {items.length > 0 && phase !== 'failed' ? `${how} · ${took}` : ''}
        {phase === 'loading' && items.length === 0 ? 'Looking…' : ''}
      </p>
      <p class="hint" hidden={leftOut === 0}>
        {`${countText(leftOut, 'picture')} left out by the safety policy of this server.`}
      </p>
      <p class="doubt" hidden={!isDoubtful}>
        Probably no picture shows this. These come closest.
      </p>
      <DevelopIt state={state} actions={actions} />
    </div>
  )
}
