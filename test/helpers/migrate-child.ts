// A process that opens a database, which migrates it, says so and ends; for tests that kill it.
import { openDatabase } from '../../src/store/database.ts'

const [kind, where] = process.argv.slice(2) as ['directory' | 'url', string]
process.stdout.write('opening\n')
const database = await openDatabase(kind === 'url' ? { url: where } : { directory: where })
process.stdout.write('opened\n')
await database.close()
