// Which of some labels fits a picture best, as bars.
import { useState } from 'hono/jsx/dom'
import type { ClassifyResponse } from '../../api/contract.ts'
import { troubleOf } from '../trouble.ts'
import { fieldOf } from './field.ts'

type Scores = ClassifyResponse[number]

interface ClassifyProps {
  readonly key: string
  readonly id: string
  readonly classify: (id: string, labels: readonly string[]) => Promise<Scores>
}

const SUGGESTED = 'animal, person, vehicle, building, landscape, food'

export function Classify({ id, classify }: ClassifyProps) {
  const [scores, setScores] = useState<Scores>([])
  const [wrong, setWrong] = useState('')
  const submit = async (event: Event) => {
    event.preventDefault()
    const given = fieldOf(event, 'labels').split(',')
    const labels = [...new Set(given.map((label) => label.trim()))].filter(Boolean)
    try {
      if (labels.length < 2) throw new Error('Two labels or more, separated by commas.')
      setScores(await classify(id, labels.slice(0, 100)))
      setWrong('')
    } catch (error) {
      setWrong(troubleOf(error).message)
    }
  }
  return (
    <details class="classify">
      <summary>What is it?</summary>
      <form onSubmit={(event: Event) => void submit(event)}>
        <input name="labels" aria-label="Labels, separated by commas" value={SUGGESTED} />
        <button type="submit">Compare</button>
      </form>
      <p role="alert">{wrong}</p>
      <ul class="bars" aria-label="Labels, best first">
        {scores.map(({ label, score }) => (
          <li key={label}>
            <span>{label}</span>
            <meter min={0} max={1} value={score} aria-label={label} />
            <span class="number">{`${Math.round(score * 100)} %`}</span>
          </li>
        ))}
      </ul>
    </details>
  )
}
