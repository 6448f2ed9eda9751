// Run as a process of its own: creates an empty embedded database in the folder named by its
// argument. initdb takes some 850 MB of memory, which the process that asked never gets to have.
import { rmSync } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'

const folder = process.argv[2]!

// A creation that nobody waits for any more ends, also in the middle of it, and leaves nothing.
const abandoned = () => {
  rmSync(folder, { recursive: true, force: true })
  process.kill(process.pid, 'SIGKILL')
}
process.once('disconnect', abandoned)

const client = await PGlite.create(folder)
await client.close()
process.off('disconnect', abandoned)
process.disconnect?.()
