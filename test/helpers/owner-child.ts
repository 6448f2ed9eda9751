// A process that claims the directory named by its first argument, for tests of `claimDirectory`.
// Says `ready` once loaded, then obeys the lines on stdin: `claim` (answers `owner` or the error
// code and message) and `release` (answers `released`). Ends with stdin.
import { createInterface } from 'node:readline'
import { LucidaError } from '../../src/core/errors.ts'
import { type Ownership, claimDirectory } from '../../src/store/owner.ts'

const directory = process.argv[2]!
let ownership: Ownership | undefined

async function claim(): Promise<string> {
  try {
    ownership = await claimDirectory(directory)
    return 'owner'
  } catch (error) {
    return error instanceof LucidaError ? `${error.code} ${error.message}` : String(error)
  }
}

async function release(): Promise<string> {
  await ownership?.release()
  return 'released'
}

console.log('ready')
for await (const line of createInterface({ input: process.stdin })) {
  console.log(line === 'claim' ? await claim() : await release())
}
