// What needs no database, the same database suite on each engine, the HTTP API on the embedded one,
// and the page in a browser.
import { defineConfig } from 'vitest/config'

const database = {
  include: ['test/database/**/*.test.ts'],
  setupFiles: 'test/helpers/watch-statements.ts',
}

export default defineConfig({
  test: {
    // Two workers: the suite starts databases, models and processes of its own.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default', './test/helpers/summary-reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            'test/{unit,contract,golden,docs,package,training,faults}/**/*.test.ts',
            'test/*.test.ts',
          ],
        },
      },
      {
        extends: true,
        test: {
          name: 'pglite',
          globalSetup: 'test/helpers/setup-pglite.ts',
          setupFiles: database.setupFiles,
          include: [...database.include, 'test/api/**/*.test.ts'],
        },
      },
      { extends: true, test: { name: 'web', include: ['test/web/**/*.test.ts'] } },
      {
        extends: true,
        test: { name: 'postgres', globalSetup: 'test/helpers/setup-postgres.ts', ...database },
      },
      {
        extends: true,
        test: { name: 'server', globalSetup: 'test/helpers/setup-server.ts', ...database },
      },
    ],
  },
})
