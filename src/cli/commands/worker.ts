// lucida worker: does the work that servers of the same database are given.
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import type { CliIo } from '../io.ts'
import { configOf, withGlobalFlags, withLucida } from '../program.ts'
import { requireServer, sayingTrouble, untilInterrupted } from '../serving.ts'

/** The `worker` command. */
export function workerCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('worker')
      .summary('Do the work of servers on the same database: index and draw.')
      .description(
        'Take up the work that the servers of the same database (DATABASE_URL) are given, until ' +
          'interrupted: indexing, filling another model, drawing. Any number of workers may run, on ' +
          'any machine that sees the same folders or buckets.',
      ),
  ).action(async (flags: PartialConfig) => {
    const config = configOf(io, flags)
    requireServer(config, 'lucida worker')
    await withLucida(
      io,
      config,
      async (lucida) => {
        const { openJobs } = await import('../../api/jobs.ts')
        const { openGenerations } = await import('../../api/generations.ts')
        const work = [openJobs(lucida), openGenerations(lucida)]
        for (const queue of work) {
          queue.onEnd(({ id, state, error }) =>
            io.err(`${id} is ${state}${error ? `: ${error.message}` : ''}\n`),
          )
        }
        // First: where this fails, nothing must go on that keeps the process from ending.
        await lucida.queues.takePart()
        const filling = lucida.models.keepFilled(io.signal)
        io.err('Waiting for work (Ctrl+C ends it)\n')
        await untilInterrupted(io)
        await Promise.all([...work.map((queue) => queue.close()), filling])
      },
      sayingTrouble(io),
    )
  })
}
