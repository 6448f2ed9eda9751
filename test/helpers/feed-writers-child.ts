// A process with some of the writers, each with a pool of connections of its own. Takes the database,
// the number of its first writer and how many there are; told a seed and turns, it answers with null,
// or with what went wrong.
import { openDatabase } from '../../src/store/database.ts'
import { takeTurns } from './feed-writer.ts'

const [url, first, count] = process.argv.slice(2)
const pools = await Promise.all(
  Array.from({ length: Number(count) }, () => openDatabase({ url: url! })),
)
process.on('message', ({ seed, turns }: { seed: number; turns: number }) => {
  const all = pools.map(({ db }, i) => takeTurns(db, { seed, turns, writer: Number(first) + i }))
  void Promise.all(all).then(
    () => process.send!(null),
    (error: unknown) =>
      process.send!(error instanceof Error ? `${error.stack} ${String(error.cause)}` : ''),
  )
})
process.send!('ready')
