// A heat map over a picture, smoothed, exactly where the picture is.
import { useLayoutEffect, useRef } from 'hono/jsx/dom'
import type { HeatMap } from '../../api/explain-contract.ts'
import { colourHeat } from '../../client/heat.ts'

interface HeatProps {
  readonly map: HeatMap
  readonly values: readonly number[]
  readonly label: string
  /** Of the picture, whose shape the canvas has. */
  readonly width: number
  readonly height: number
}

/** Longer edge; what is coarse needs no more. */
const EDGE_PX = 640

export function Heat({ map, values, label, width, height }: HeatProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const scale = EDGE_PX / Math.max(width, height)
  const size = { width: Math.round(width * scale), height: Math.round(height * scale) }
  useLayoutEffect(() => {
    const grid = document.createElement('canvas')
    Object.assign(grid, { width: map.width, height: map.height })
    const colours = new ImageData(colourHeat(values), map.width, map.height)
    grid.getContext('2d')!.putImageData(colours, 0, 0)
    const context = canvas.current!.getContext('2d')!
    const { area } = map
    context.imageSmoothingQuality = 'high'
    context.clearRect(0, 0, size.width, size.height)
    context.drawImage(
      grid,
      area.left * size.width,
      area.top * size.height,
      area.width * size.width,
      area.height * size.height,
    )
  }, [map, values])
  return <canvas class="heat" ref={canvas} role="img" aria-label={label} {...size} />
}
