// Loaded by every file of the database suite: whatever its tests have the program send must be such that
// a Citus cluster could run it.
import { afterAll, expect } from 'vitest'
import { violations } from './cluster-rules.ts'
import { collectStatements, sentStatements } from './sent-statements.ts'

collectStatements()

afterAll(() => {
  const wrong = [...sentStatements].flatMap((statement) =>
    violations(statement).map(({ rule, detail }) => ({ rule, detail, statement })),
  )
  expect(wrong).toEqual([])
})
