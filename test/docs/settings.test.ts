import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CONFIG_FILE, resolveConfig, SETTINGS } from '../../src/config.ts'

const page = readFileSync(new URL('../../docs/settings.md', import.meta.url), 'utf8')

test('docs/settings.md has one row per setting, with variable, default and description', () => {
  const rows = page.split('\n').filter((line) => /^\| `\w+` \| `[A-Z_]+` \|/.test(line))
  const expected = SETTINGS.map(
    ({ key, env, default: fallback, description }) =>
      `| \`${key}\` | \`${env}\` | ${fallback} | ${description} |`,
  )
  expect(rows).toEqual(expected)
})

test('docs/settings.md names the data folder of every system', () => {
  for (const folder of [
    '$XDG_DATA_HOME/lucida',
    '~/.local/share/lucida',
    '~/Library/Application Support/Lucida',
    String.raw`%APPDATA%\Lucida`,
  ]) {
    expect(page).toContain(`\`${folder}\``)
  }
})

test('the settings file shown in docs/settings.md is valid', () => {
  expect(page).toContain(`## ${CONFIG_FILE}`)
  const [, example] = /```json\n([^]*?)```/.exec(page)!
  expect(() => resolveConfig({ flags: JSON.parse(example!), env: {}, cwd: '/' })).not.toThrow()
})
