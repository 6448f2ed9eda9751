// A number between 0 and 1 that is set by moving something between two words.
import { useState } from 'hono/jsx/dom'

interface SliderProps {
  readonly name: string
  readonly label: string
  /** What 0 means, and what 1 means. */
  readonly ends: readonly [string, string]
  readonly start: number
}

export function Slider({ name, label, ends: [low, high], start }: SliderProps) {
  const [value, setValue] = useState(start)
  return (
    <label class="slider">
      <span>{label}</span>
      <input
        type="range"
        name={name}
        min={0}
        max={1}
        step={0.05}
        value={value}
        aria-valuetext={`${Math.round(value * 100)} %, from ${low} to ${high}`}
        onInput={(event: Event) => setValue(Number((event.target as HTMLInputElement).value))}
      />
      <span class="ends hint" aria-hidden="true">
        <span>{low}</span>
        <span>{`${Math.round(value * 100)} %`}</span>
        <span>{high}</span>
      </span>
    </label>
  )
}
