// docs/cli.md shows the help of every command as it is. After a change of it:
// UPDATE_DOCS=1 npx vitest run test/docs/help.test.ts
import { readFileSync, writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import type { CliIo } from '../../src/cli/io.ts'
import { buildProgram } from '../../src/cli/run.ts'

const PAGE = new URL('../../docs/cli.md', import.meta.url)

/** Columns of a terminal where its width is not known. */
const WIDTH = 80

const io: CliIo = {
  out: () => {},
  err: () => {},
  input: Readable.from([]),
  env: {},
  cwd: '/',
  errIsTerminal: false,
  inputIsTerminal: false,
  signal: new AbortController().signal,
}

/** What `--help` prints. */
function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({
    writeOut: (part) => (text += part),
    getOutHelpWidth: () => WIDTH,
    getOutHasColors: () => false,
  })
  command.outputHelp()
  return text.trimEnd()
}

/** Sections of the page: `lucida` and `lucida <command>`. */
const program = buildProgram(io)
const helps = new Map([
  ['lucida', helpOf(program)],
  ...program.commands.map((command) => [`lucida ${command.name()}`, helpOf(command)] as const),
])

/** The page with the help of today in the last `text` block of each section. */
function withHelp(page: string): string {
  return page
    .split(/^(?=## )/m)
    .map((section) => {
      const help = helps.get(/^## (.*)$/m.exec(section)?.[1] ?? '')
      if (help === undefined) return section
      return section.replace(
        /```text\n[^]*?```(?![^]*```text)/,
        () => `\`\`\`text\n${help}\n\`\`\``,
      )
    })
    .join('')
}

const page = readFileSync(PAGE, 'utf8')
if (process.env.UPDATE_DOCS) writeFileSync(PAGE, withHelp(page))

test('docs/cli.md has a section for each command, in the order of the help', () => {
  const sections = [...page.matchAll(/^## (lucida.*)$/gm)].map(([, name]) => name)
  expect(sections).toEqual([...helps.keys()])
})

test.each([...helps])('docs/cli.md shows the help of %s as it is', (name, help) => {
  const section = readFileSync(PAGE, 'utf8').split(`## ${name}\n`)[1]?.split(/^## /m)[0] ?? ''
  expect(section).toContain(`\`\`\`text\n${help}\n\`\`\``)
})
