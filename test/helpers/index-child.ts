// A process that indexes one folder and says how far it is, for tests that kill it. Takes the
// settings of `openLucida` and the folder as JSON. Says `opening`, `opened`, the type of every
// event of the run, `indexed` and `closed`, each in a line.
import { openLucida, type PartialConfig } from '../../src/lucida.ts'

const { folder, ...settings } = JSON.parse(process.argv[2]!) as PartialConfig & { folder: string }

console.log('opening')
const lucida = await openLucida(settings)
console.log('opened')
for await (const { type } of lucida.index([folder])) console.log(type)
console.log('indexed')
await lucida.close()
console.log('closed')
