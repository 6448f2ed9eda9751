// lucida safety: the policy in force, and what it thinks of pictures.
import { resolve } from 'node:path'
import { Command } from 'commander'
import type { PartialConfig } from '../../config.ts'
import type { CliIo } from '../io.ts'
import { printJson } from '../print.ts'
import { configOf, withAnyLucida, withGlobalFlags } from '../program.ts'

interface Flags extends PartialConfig {
  json?: boolean
}

/** The `safety` command. */
export function safetyCommand(io: CliIo): Command {
  return withGlobalFlags(
    new Command('safety')
      .summary('Print the safety policy, or score pictures by it.')
      .description(
        'Without a picture, print the policy in force as JSON, to be edited and named by ' +
          'LUCIDA_SAFETY_FILE. With pictures, print how much of each of its concepts they may show, ' +
          'beside the threshold. How little that says: docs/safety.md.',
      )
      .argument('[image...]', 'picture files')
      .option('--json', 'with pictures: print one JSON document'),
  ).action(async (images: string[], { json, ...flags }: Flags) => {
    const config = configOf(io, flags)
    if (images.length === 0) {
      const { BUILT_IN_POLICY, readPolicy } = await import('../../lucida.ts')
      const file = config.safetyFile
      const policy = file === undefined ? BUILT_IN_POLICY : (await readPolicy(file)).policy
      io.out(`${JSON.stringify(policy, null, 2)}\n`)
      return
    }
    const paths = images.map((image) => resolve(io.cwd, image))
    await withAnyLucida(io, config, async (lucida) => {
      const scores = await lucida.safetyScores(paths.map((path) => ({ path })))
      if (json) {
        printJson(
          io,
          paths.map((path, i) => ({ path, concepts: scores[i] })),
        )
        return
      }
      for (const [i, path] of paths.entries()) {
        io.out(`${path}\n`)
        for (const { concept, score, threshold } of scores[i]!) {
          const mark = score >= threshold ? '  flagged' : ''
          io.out(`  ${score.toFixed(3)}  of ${threshold.toFixed(3)}  ${concept}${mark}\n`)
        }
      }
    })
  })
}
