// Why a picture was found: what each term adds to its score, and whether the map lies over it.
import { useState } from 'hono/jsx/dom'
import type { ExplainResponse } from '../../api/explain-contract.ts'
import type { PartProps } from '../app.tsx'
import { troubleOf } from '../trouble.ts'
import { namesOfTerms } from '../why.ts'

/** What is laid over the picture. */
export interface ShownHeat {
  /** The picture's. */
  readonly id: string
  readonly explanation: ExplainResponse
  readonly values: readonly number[]
}

interface WhyProps extends PartProps {
  readonly key: string
  readonly id: string
  readonly shown: ShownHeat | null
  readonly onShow: (shown: ShownHeat | null) => void
}

export function Why({ id, shown, onShow, state, actions }: WhyProps) {
  const [explanation, setExplanation] = useState<ExplainResponse | null>(null)
  const [wrong, setWrong] = useState('')
  const show = (found: ExplainResponse, values: readonly number[] = found.map.values) =>
    onShow({ id, explanation: found, values })
  const open = async (event: Event) => {
    if (!(event.currentTarget as HTMLDetailsElement).open) return onShow(null)
    if (explanation) return show(explanation)
    try {
      const found = await actions.explain(id)
      setExplanation(found)
      setWrong('')
      show(found)
    } catch (error) {
      setWrong(troubleOf(error).message)
    }
  }
  return (
    <details class="why" onToggle={(event: Event) => void open(event)}>
      <summary>Why this picture?</summary>
      <p role="alert">{wrong}</p>
      {explanation && (
        <Shares
          explanation={explanation}
          names={namesOfTerms(state.answered)}
          shown={shown?.values ?? null}
          onShow={(values) => (values === null ? onShow(null) : show(explanation, values))}
        />
      )}
    </details>
  )
}

interface SharesProps {
  readonly explanation: ExplainResponse
  readonly names: readonly string[]
  readonly shown: readonly number[] | null
  readonly onShow: (values: readonly number[] | null) => void
}

function Shares({ explanation, names, shown, onShow }: SharesProps) {
  const { terms, map, score, relevance, relevanceThreshold } = explanation
  const most = Math.max(...terms.map(({ contribution }) => Math.abs(contribution)), 1e-9)
  const isDoubtful =
    relevance !== null && relevanceThreshold !== null && relevance < relevanceThreshold
  return (
    <div class="reasons">
      <label class="line">
        <input
          type="checkbox"
          checked={shown !== null}
          onChange={() => onShow(shown === null ? map.values : null)}
        />
        Show where, lighter is more
      </label>
      <ul class="bars" aria-label={`What each term adds to the score of ${score.toFixed(3)}`}>
        {terms.map(({ contribution, values }, i) => (
          <li key={i}>
            <button
              type="button"
              class="quiet"
              aria-pressed={shown === values}
              disabled={terms.length === 1}
              title="Show where this term alone adds to the score"
              onClick={() => onShow(shown === values ? map.values : values)}
            >
              {names[i] ?? `term ${i + 1}`}
            </button>
            <meter
              min={0}
              max={most}
              value={Math.abs(contribution)}
              class={contribution < 0 ? 'minus' : ''}
              aria-label={names[i] ?? `term ${i + 1}`}
            />
            <span class="number">{signed(contribution)}</span>
          </li>
        ))}
      </ul>
      <p class="hint">
        {isDoubtful
          ? 'It is probably not what was asked for; the map only shows where it comes closest.'
          : 'What the model goes by, which need not be what a person would point at.'}
      </p>
    </div>
  )
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`
}
