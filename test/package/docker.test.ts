// What can be said of the image without an engine: that what it copies is there, that its health check
// asks a route that is, that it is run by nobody in particular, and that compose agrees with it.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROUTES } from '../../src/client/routes.ts'
import { resolveConfig } from '../../src/config.ts'

const project = join(import.meta.dirname, '../..')
const read = (name: string) => readFileSync(join(project, name), 'utf8')
const dockerfile = read('Dockerfile')
const compose = read('docker-compose.yml')
const lines = dockerfile.split('\n')

test('what the image copies from the checkout is there and not left out of the context', () => {
  const ignored = read('.dockerignore').split('\n').filter(Boolean)
  const copied = lines.flatMap((line) => {
    const [, names] = /^COPY (?!--from)(.*) \S+$/.exec(line) ?? []
    return names?.split(' ') ?? []
  })
  expect(copied).toContain('package-lock.json')
  for (const name of copied.filter((one) => one !== '.')) {
    expect(existsSync(join(project, name))).toBe(true)
    expect(ignored).not.toContain(name)
  }
  const shipped = lines.flatMap((line) => {
    const [, names] = /^COPY --from=build (.*) \S+$/.exec(line) ?? []
    return names?.split(' ').map((name) => name.replace('/app/', '')) ?? []
  })
  const built = new Set(['dist', 'node_modules'])
  const { files } = JSON.parse(read('package.json')) as { files: string[] }
  for (const name of files.filter((one) => !one.endsWith('.md'))) expect(shipped).toContain(name)
  for (const name of shipped) {
    expect(built.has(name) || existsSync(join(project, name))).toBe(true)
  }
})

test('it runs as an unprivileged user, whose health check asks a route that is', () => {
  const user = lines.findIndex((line) => line === 'USER node')
  expect(user).toBeGreaterThan(lines.findLastIndex((line) => line.startsWith('RUN ')))
  const [, port, path] = /127\.0\.0\.1:(\d+)(\/\w+)/.exec(dockerfile) ?? []
  expect(Object.values(ROUTES).map(([, route]) => route)).toContain(path)
  const defaults = resolveConfig({ env: {}, cwd: '/' })
  expect(Number(port)).toBe(defaults.port)
  expect(dockerfile).toContain(`EXPOSE ${defaults.port}`)
})

test('compose publishes to this machine only, and gives the photographs read-only', () => {
  const published = [...compose.matchAll(/^ {6}- "([\d.:]+)"$/gm)].map(([, ports]) => ports)
  expect(published).toEqual(['127.0.0.1:5432:5432', '127.0.0.1:7457:7457'])
  expect(compose).toMatch(/:\/photos:ro$/m)
  // Without a key only because nobody else can reach it.
  expect(compose).toContain('"--insecure"')
})
