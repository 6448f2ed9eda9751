// The server named in TEST_DATABASE_URL, whose user may create databases.
import type { TestProject } from 'vitest/node'

export default function setup(project: TestProject): void {
  const url = process.env.TEST_DATABASE_URL
  project.provide(
    'database',
    url
      ? { engine: 'postgres', url }
      : { engine: 'unavailable', reason: 'TEST_DATABASE_URL names no server of your own' },
  )
}
