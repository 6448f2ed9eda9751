// Waiting for what happens elsewhere, on a machine that may be busy.
import { vi } from 'vitest'

/** Resolves once `condition` holds; fails where it never does. */
export function until(condition: () => boolean | Promise<boolean>): Promise<unknown> {
  return vi.waitUntil(condition, { timeout: 60_000 })
}
