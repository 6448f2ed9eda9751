// Indexes a folder as a process of its own, so that a test that runs as root can run it as somebody
// who may not read everything. Prints the summary's words, the failures and the paths as JSON.
import { openLucida } from '../../src/lucida.ts'
import { runCaptured } from './cli.ts'

const [folder, dataDir] = process.argv.slice(2) as [string, string]
const { code, err } = await runCaptured(['index', folder, '--data-dir', dataDir], { env: {} })
const lucida = await openLucida({ dataDir })
const failures = await lucida.failures()
const [root] = (await lucida.status()).roots
await lucida.close()
console.log(JSON.stringify({ code, err, failures, pictures: root?.pictures }))
