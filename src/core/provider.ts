// Execution providers of onnxruntime by the names that settings use, and what came of asking for them.
import { messageOf } from './errors.ts'

/** What onnxruntime may run a model on, where its build has it. */
export const PROVIDERS = ['cpu', 'cuda', 'coreml', 'dml', 'openvino', 'webgpu'] as const

export type Provider = (typeof PROVIDERS)[number]

/** What a model runs on, and what it does not although it was asked for. */
export interface ProviderChoice {
  readonly used: Provider
  readonly refused: readonly { readonly name: Provider; readonly reason: string }[]
}

/** The choice in words, or `undefined` where everything is as it was asked for. */
export function fallbackText({ used, refused }: ProviderChoice): string | undefined {
  if (refused.length === 0) return undefined
  const reasons = refused.map(({ name, reason }) => `${name} is not available here (${reason})`)
  return `${reasons.join('; ')}; the models run on ${used} instead`
}

/**
 * Opens with the first of `asked` that can be had, `cpu` after all others. One that is not in `built`
 * is not tried. Throws what opening on the CPU throws.
 */
export async function openWithFallback<T>(
  asked: readonly Provider[],
  built: readonly string[],
  open: (provider: Provider) => Promise<T>,
): Promise<{ opened: T; choice: ProviderChoice }> {
  const refused: { name: Provider; reason: string }[] = []
  const before = asked.includes('cpu') ? asked.slice(0, asked.indexOf('cpu')) : asked
  for (const name of new Set(before)) {
    if (!built.includes(name)) {
      refused.push({ name, reason: 'this build of onnxruntime is without it' })
      continue
    }
    try {
      return { opened: await open(name), choice: { used: name, refused } }
    } catch (error) {
      refused.push({ name, reason: firstLine(error) })
    }
  }
  return { opened: await open('cpu'), choice: { used: 'cpu', refused } }
}

/** onnxruntime's messages come with file names and stacks. */
function firstLine(error: unknown): string {
  const [line = ''] = messageOf(error).split('\n')
  return line.length > 160 ? `${line.slice(0, 160)}…` : line
}
