// A process that carries out a change of model and says how far it is, for tests that kill it. Takes
// the settings of `openLucida` as JSON. Says `filled <n>` after each commit.
import { openLucida, type PartialConfig } from '../../src/lucida.ts'

const lucida = await openLucida(JSON.parse(process.argv[2]!) as PartialConfig)
await lucida.models.carryOut({
  onEvent: (event) => {
    if (event.type === 'filling') console.log(`filled ${event.filled}`)
  },
})
console.log('done')
await lucida.close()
