// The server that `npm run bench -- api` measures, in a process of its own: tells where it listens,
// and how long its event loop was held up.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createApi } from '../../src/api/app.ts'
import { startServer } from '../../src/api/server.ts'
import { openLucida } from '../../src/lucida.ts'

const lucida = await openLucida({ dataDir: process.argv[2], model: 'lucida-clip-1' })
const api = createApi(lucida, { onError: (error) => console.error(error) })
const server = await startServer(api, { host: '127.0.0.1', port: 0 })
await api.warmUp()
const { index } = await lucida.status()
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()

process.on('message', (what) => {
  if (what === 'reset') {
    delay.reset()
    process.send!('done')
  } else if (what === 'delay') {
    process.send!(delay.max / 1e6)
  } else {
    void server
      .close()
      .then(() => lucida.close())
      .then(() => process.exit(0))
  }
})
process.send!({ url: server.url, index })
