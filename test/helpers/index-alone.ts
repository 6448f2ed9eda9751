// Indexes a folder in a process of its own, which a test may run as another user. Takes the folder,
// a picture to search for and the place as JSON; prints what `lucida index` said and what is there.
import { openLucida } from '../../src/lucida.ts'
import { runCaptured } from './cli.ts'

const { folder, query, dataDir, databaseUrl } = JSON.parse(process.argv[2]!) as {
  folder: string
  query: string
  dataDir: string
  databaseUrl?: string
}
const env = { LUCIDA_DATA_DIR: dataDir, ...(databaseUrl && { DATABASE_URL: databaseUrl }) }
const first = await runCaptured(['index', folder], { env })
const second = await runCaptured(['index', folder], { env })
const lucida = await openLucida({ dataDir, databaseUrl, model: 'lucida-clip-1' })
const failures = await lucida.failures()
const { results } = await lucida.search([{ path: query }], { limit: 1000 })
await lucida.close()
console.log(
  JSON.stringify({ first, second, failures, paths: results.flatMap(({ paths }) => paths) }),
)
