// A schedule as the manifest has it → levels and the sampler that walks them.
import { invalidInput } from '../core/errors.ts'
import { ancestral } from './ancestral.ts'
import { ddim } from './ddim.ts'
import { dpmpp2m } from './dpmpp-2m.ts'
import { euler, eulerLevels } from './euler.ts'
import { flowEuler, flowHeun, flowLevels } from './flow.ts'
import { lcm } from './lcm.ts'
import type { Schedule } from './pipeline-parts.ts'
import type { Level, PredictionKind } from './prediction.ts'
import type { Plan, Sampler } from './sampler.ts'
import { alphaBars, at, betas, karrasSigmas, sigmas, timeOfSigma } from './tables.ts'
import { consistencyTimesteps, linspace, roundHalfEven, timesteps } from './timesteps.ts'

type Flow = Extract<Schedule, { type: 'flow' }>
type Diffusion = Extract<Schedule, { type: 'diffusion' }>

/**
 * With a strength below 1 the walk begins on the way, and has so much fewer steps.
 * Throws `bad_input` for more steps than the schedule has.
 */
export function planSampler(
  schedule: Schedule,
  kind: PredictionKind,
  steps: number,
  strength = 1,
): Plan {
  const left = Math.max(1, Math.round(steps * strength))
  return schedule.type === 'flow'
    ? planFlow(schedule, kind, left, strength)
    : planDiffusion(schedule, kind, steps, steps - left)
}

/** How far along the way a time lies: 1 is noise, 0 the picture. */
export function partOfTheWay(schedule: Schedule, time: number): number {
  return schedule.type === 'flow' ? time : time / schedule.trainSteps
}

function planFlow(schedule: Flow, kind: PredictionKind, steps: number, strength: number): Plan {
  const levels = flowLevels(schedule.start * strength, steps)
  const samplers = { euler: flowEuler, heun: flowHeun, dpmpp2m }
  return { levels, initial: 1, draws: 0, sample: samplers[schedule.solver](levels, kind) }
}

function planDiffusion(
  schedule: Diffusion,
  kind: PredictionKind,
  steps: number,
  skipped: number,
): Plan {
  const { solver, trainSteps, originalSteps } = schedule
  // DPM++ needs one time more than steps, and an offset moves the largest time up.
  const spare = solver === 'dpmpp2m' || schedule.offset > 0 ? 1 : 0
  const most = solver === 'lcm' ? originalSteps : trainSteps - spare
  if (steps > most) throw invalidInput('steps', `at most ${most}`, steps)
  if (solver === 'euler' || solver === 'dpmpp2m') return planSigmas(schedule, kind, steps, skipped)

  const tables = tablesOf(schedule)
  const all =
    solver === 'lcm'
      ? consistencyTimesteps(trainSteps, originalSteps, steps)
      : timesteps(schedule.spacing, trainSteps, steps, schedule.offset)
  const times = all.slice(skipped)
  const end = solver === 'ddim' && schedule.finalAlphaBar === 'first' ? tables.alphaBars[0]! : 1
  const levels = [...times.map((time) => levelOf(time, tables.alphaBars[time]!)), levelOf(0, end)]
  // UnCLIP leads from one time of the list to the next; the others by an even stride.
  const stride = Math.floor(trainSteps / steps)
  const next = times.map((time, i) => {
    return solver === 'unclip' ? (times[i + 1] ?? time - 1) : time - stride
  })
  const { draws, sample } = stepping(schedule, kind, levels, next, tables)
  return { levels, initial: 1, draws, sample }
}

type Tables = ReturnType<typeof tablesOf>

function tablesOf(schedule: Diffusion) {
  const table = betas(schedule.betas, schedule.trainSteps)
  return { betas: table, alphaBars: alphaBars(table) }
}

function levelOf(time: number, alphaBar: number): Level {
  return {
    time,
    data: Math.fround(Math.sqrt(alphaBar)),
    noise: Math.fround(Math.sqrt(Math.fround(1 - alphaBar))),
  }
}

function stepping(
  schedule: Diffusion,
  kind: PredictionKind,
  levels: readonly Level[],
  next: readonly number[],
  tables: Tables,
): { draws: number; sample: Sampler } {
  const { solver, clip, eta, variance } = schedule
  if (solver === 'lcm') return { draws: next.length - 1, sample: lcm(levels, kind) }
  if (solver === 'ddim') {
    const finalAlphaBar = schedule.finalAlphaBar === 'first' ? tables.alphaBars[0]! : 1
    return {
      draws: eta > 0 ? next.length : 0,
      sample: ddim(levels, next, tables.alphaBars, { kind, clip, eta, finalAlphaBar }),
    }
  }
  const variant = solver === 'unclip' ? 'unclip' : 'ddpm'
  return {
    draws: levels.slice(0, -1).filter(({ time }) => time > 0).length,
    sample: ancestral(levels, next, tables, { kind, variant, variance, clip }),
  }
}

/** Samplers whose levels are sigmas of a continuous time. */
function planSigmas(
  schedule: Diffusion,
  kind: PredictionKind,
  steps: number,
  skipped: number,
): Plan {
  const table = sigmas(tablesOf(schedule).alphaBars)
  const karras = schedule.sigmas === 'karras'
  const all = karras
    ? karrasSigmas(table, steps).map((sigma) => ({ sigma, time: timeOfSigma(table, sigma) }))
    : timesOf(schedule, steps).map((time) => ({ sigma: at(table, time), time }))
  const chosen = all.slice(skipped)
  const values = chosen.map(({ sigma }) => sigma)
  if (schedule.solver === 'euler') {
    const levels = eulerLevels(
      values,
      chosen.map(({ time }) => time),
    )
    const initial = schedule.spacing === 'leading' ? Math.hypot(1, values[0]!) : values[0]!
    return { levels, initial, draws: 0, sample: euler(levels, kind) }
  }
  const levels = [
    ...chosen.map(({ sigma, time }) => preserving(sigma, roundHalfEven(time))),
    { time: 0, data: 1, noise: 0 },
  ]
  return { levels, initial: 1, draws: 0, sample: dpmpp2m(levels, kind) }
}

/** The level of this sigma at which data² + noise² = 1. */
export function preserving(sigma: number, time: number): Level {
  const length = Math.hypot(1, sigma)
  return { time, data: 1 / length, noise: sigma / length }
}

function timesOf({ solver, spacing, trainSteps, offset }: Diffusion, steps: number): number[] {
  if (spacing === 'trailing') return timesteps(spacing, trainSteps, steps)
  if (solver === 'euler') {
    return spacing === 'linspace'
      ? linspace(trainSteps, steps)
      : timesteps(spacing, trainSteps, steps, offset)
  }
  // DPM++ places one more time than there are steps and leaves out the last, 0.
  return timesteps(spacing, trainSteps, steps + 1, offset).slice(0, -1)
}
