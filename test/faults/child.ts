// A command of Lucida as a process of its own, which can be told how its disk behaves. Takes the
// command's arguments; leases are short, so that what a dead process held is soon taken up.
import { setTimeout as sleep } from 'node:timers/promises'
import { disk } from '../../src/core/durable-file.ts'
import { QUEUE_TIMES } from '../../src/queues/message-queue.ts'
import { fullDisk } from '../helpers/bad-disk.ts'

/** How a disk behaves. */
export type DiskState = 'fine' | 'slow' | 'full'

const SLOW_MS = 400

Object.assign(QUEUE_TIMES, { lease: 8, renew: 1, supervise: 2, poll: 0.25, retry: 1 })

let state: DiskState = 'fine'
const real = { ...disk }
const beforeStep = async () => {
  if (state === 'slow') await sleep(SLOW_MS)
}
Object.assign(disk, {
  async write(file, data) {
    await beforeStep()
    if (state === 'full') fullDisk()
    await real.write(file, data)
  },
  async sync(file) {
    await beforeStep()
    await real.sync(file)
  },
  async rename(from, to) {
    await beforeStep()
    await real.rename(from, to)
  },
} satisfies Partial<typeof disk>)

process.on('message', (said) => (state = said as DiskState))
// Nobody is left to stop it.
process.on('disconnect', () => process.exit(1))
// It does not keep a command from ending.
process.channel?.unref()
await import('../../src/cli/main.ts')
