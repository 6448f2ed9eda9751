// What may be ordered: everything is looked at before anything is drawn.
import { dot } from '../core/vector.ts'
import { invalidInput, LucidaError } from '../core/errors.ts'
import type { PipelineSpec } from './pipeline-manifest.ts'
import { planSampler } from './plan.ts'
import type { Condition, DrawOrder, Start } from './types.ts'

/** Pictures of one order; their latents are all held at once. */
const MOST_PICTURES = 64
const MOST_STEPS = 1000
const MOST_GUIDANCE = 50

/** Throws `bad_input`. */
export function checkOrder(order: DrawOrder, spec: PipelineSpec): void {
  const { mode } = spec.decoder.guidance
  checkCondition('condition', order.condition, spec)
  if (order.negative) {
    checkCondition('negative', order.negative, spec)
    if (mode !== 'keep' && mode !== 'concat') {
      throw new LucidaError('bad_input', `${spec.name} cannot stay away from anything`)
    }
  }
  checkSeeds(order.seeds)
  const { steps, guidance, variation, start } = order
  if (steps !== undefined) {
    if (!isInteger(steps, 1, MOST_STEPS)) {
      throw invalidInput('steps', `integer between 1 and ${MOST_STEPS}`, steps)
    }
    planSampler(spec.decoder.schedule, spec.decoder.prediction, steps)
  }
  if (guidance !== undefined && !isBetween(guidance, 0, MOST_GUIDANCE)) {
    throw invalidInput('guidance', `number between 0 and ${MOST_GUIDANCE}`, guidance)
  }
  if (guidance !== undefined && guidance !== 1 && mode === 'none') {
    throw invalidInput('guidance', `1 (${spec.name} has no other)`, guidance)
  }
  if (variation && !spec.embedding) {
    throw invalidInput('variation', `0 (${spec.name} draws without embeddings)`, variation)
  }
  if (variation !== undefined && !isBetween(variation, 0, 1)) {
    throw invalidInput('variation', 'number between 0 and 1', variation)
  }
  if (start) checkStart(start, spec)
}

const isBetween = (value: unknown, least: number, most: number) =>
  typeof value === 'number' && value >= least && value <= most

const isInteger = (value: unknown, least: number, most: number) =>
  isBetween(value, least, most) && Number.isInteger(value)

function checkSeeds(seeds: readonly number[]): void {
  if (!isInteger(seeds.length, 1, MOST_PICTURES)) {
    throw invalidInput('seeds', `1 to ${MOST_PICTURES} seeds`, seeds.length)
  }
  seeds.forEach((seed, i) => {
    if (!isInteger(seed, 0, 2 ** 32 - 1)) {
      throw invalidInput(`seeds[${i}]`, `integer between 0 and ${2 ** 32 - 1}`, seed)
    }
  })
}

function checkCondition(name: string, condition: Condition, spec: PipelineSpec): void {
  if ('text' in condition) {
    if (typeof condition.text !== 'string') {
      throw invalidInput(`${name}.text`, 'string', condition.text)
    }
    return
  }
  if (!spec.embedding) {
    throw new LucidaError('bad_input', `${spec.name} draws from texts only; give ${name} a text`)
  }
  const { dimension } = spec.embedding
  if ('embedding' in condition) {
    checkVector(`${name}.embedding`, condition.embedding, dimension)
    return
  }
  if (spec.text !== 'search') {
    const message = `${spec.name} encodes texts by itself; give ${name} a text or an embedding`
    throw new LucidaError('bad_input', message)
  }
  checkVector(`${name}.meaning`, condition.meaning, dimension)
}

/** Throws `bad_input` unless it is a unit vector of the dimension. */
function checkVector(name: string, vector: Float32Array, dimension: number): void {
  if (vector.length !== dimension) {
    throw invalidInput(name, `${dimension} numbers`, vector.length)
  }
  const length = Math.sqrt(dot(vector, vector))
  if (!(Math.abs(length - 1) < 1e-3)) throw invalidInput(`length of ${name}`, '1', length)
}

function checkStart({ picture, strength, mask }: Start, { codec, name }: PipelineSpec): void {
  if (codec.decode && !codec.encode)
    throw new LucidaError('bad_input', `${name} cannot begin with a picture`)
  const { data, widthPx, heightPx, channels } = picture
  if (!isInteger(widthPx, 1, Infinity) || !isInteger(heightPx, 1, Infinity)) {
    throw invalidInput('start.picture', 'at least one pixel', `${widthPx} x ${heightPx}`)
  }
  if (data.length !== widthPx * heightPx * channels) {
    const expected = `${widthPx * heightPx * channels} bytes`
    throw invalidInput('start.picture', expected, data.length)
  }
  if (!isBetween(strength, 0, 1) || strength === 0) {
    throw invalidInput('start.strength', 'number above 0, at most 1', strength)
  }
  if (mask && mask.length !== widthPx * heightPx) {
    throw invalidInput('start.mask', `${widthPx * heightPx} bytes`, mask.length)
  }
}
