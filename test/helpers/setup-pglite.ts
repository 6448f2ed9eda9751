// Migrates one embedded database; every test copies its folder instead of creating its own.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { openDatabase } from '../../src/store/database.ts'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'lucida-template-'))
  const database = await openDatabase({ directory })
  await database.close()
  project.provide('database', { engine: 'pglite', template: join(directory, 'database') })
  return () => rm(directory, { recursive: true, force: true })
}
