// Starts a real PostgreSQL for all tests of the project.
import type { TestProject } from 'vitest/node'
import { startPostgres } from './own-postgres.ts'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  try {
    const server = await startPostgres()
    project.provide('database', { engine: 'postgres', url: server.url })
    return async () => server[Symbol.asyncDispose]()
  } catch (error) {
    project.provide('database', { engine: 'unavailable', reason: (error as Error).message })
    return async () => {}
  }
}
