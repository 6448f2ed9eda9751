// The server that `npm run bench -- switch` kills and asks: `lucida serve` without a setting for the
// model, in a process of its own.
import { createApi } from '../../src/api/app.ts'
import { startServer } from '../../src/api/server.ts'
import { openLucida } from '../../src/lucida.ts'

const [dataDir, modelsDir] = process.argv.slice(2)
const lucida = await openLucida({ dataDir, modelsDir })
const api = createApi(lucida, { onError: (error) => console.error(error) })
const server = await startServer(api, { host: '127.0.0.1', port: 0, ownDirectory: dataDir! })
await api.warmUp()
await api.work()

process.on('message', () => {
  void server
    .close()
    .then(() => lucida.close())
    .then(() => process.exit(0))
})
// Nobody is left to stop it.
process.on('disconnect', () => process.exit(1))
process.send!({ url: server.url })
