import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CONFIG_FILE, type ConfigSources, resolveConfig, SETTINGS } from '../../src/config.ts'

let cwd: string
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'lucida-config-'))
})
afterEach(() => rm(cwd, { recursive: true }))

const resolved = (sources: Omit<ConfigSources, 'cwd'> = {}) =>
  resolveConfig({ env: {}, ...sources, cwd })

const writeSettings = (content: unknown) =>
  writeFile(join(cwd, CONFIG_FILE), typeof content === 'string' ? content : JSON.stringify(content))

const refused = (...words: string[]) =>
  expect.objectContaining({
    code: 'bad_input',
    message: expect.stringMatching(words.join('[^]*')),
  })

const DEFAULTS = {
  generator: 'lucida-unclip-1',
  vectorIndex: 'auto',
  threads: 0,
  providers: ['cpu'],
  shrinkOnLoad: true,
  safety: 'off',
  drawingSafety: 'prompts',
  host: '127.0.0.1',
  port: 7457,
  allowedHosts: [],
  allowedRoots: [],
  remoteUrls: false,
  rateLimit: 6000,
  drainSeconds: 0,
}

/** Of settings that not every text is valid for. */
const VALUES: Readonly<Record<string, string>> = {
  threads: '4',
  providers: 'webgpu,cpu',
  shrinkOnLoad: 'false',
  vectorIndex: 'exact',
  port: '80',
  remoteUrls: 'true',
  rateLimit: '60',
  drainSeconds: '5',
  safety: 'hide',
  drawingSafety: 'pictures',
  promptHook: 'https://hook.example/texts',
}

describe('a setting', () => {
  test('that is set nowhere has its default', () => {
    const { dataDir, modelsDir, ...rest } = resolved({
      env: { XDG_DATA_HOME: '/data', APPDATA: '/data' },
    })
    expect(rest).toEqual(DEFAULTS)
    expect(modelsDir).toBe(join(dataDir, 'models'))
    expect(dataDir).toMatch(/lucida$/i)
  })

  test('is taken from a flag before the environment before the file', async () => {
    await writeSettings({ model: 'of-file', vectorIndex: 'exact', threads: 3 })
    const env = { LUCIDA_MODEL: 'of-env', VECTOR_INDEX: 'hnsw' }
    expect(resolved({ env, flags: { model: 'of-flag' } })).toMatchObject({
      model: 'of-flag',
      vectorIndex: 'hnsw',
      threads: 3,
    })
  })

  test.each(SETTINGS.map(({ key, env }) => [env, key] as const))(
    '%s in the environment sets %s',
    (env, key) => {
      const value = VALUES[key] ?? `/some/${key}`
      expect(String(resolved({ env: { [env]: `  ${value} ` } })[key])).toBe(value)
    },
  )

  test('an index on the database server is taken where there is a server', () => {
    const env = { VECTOR_INDEX: 'pgvector-binary', DATABASE_URL: 'postgres://host/lucida' }
    expect(resolved({ env }).vectorIndex).toBe('pgvector-binary')
  })

  test('that is empty, blank or undefined counts as not set', () => {
    const env = { LUCIDA_MODEL: '', DATABASE_URL: '  ', LUCIDA_THREADS: undefined }
    const {
      dataDir: _,
      modelsDir: _models,
      ...rest
    } = resolved({ env, flags: { model: undefined } })
    expect(rest).toEqual(DEFAULTS)
  })

  test.each([
    [{ VECTOR_INDEX: 'flat' }, 'vectorIndex (VECTOR_INDEX)', '"auto"'],
    [{ VECTOR_INDEX: 'pgvector' }, 'vectorIndex (VECTOR_INDEX)', 'DATABASE_URL'],
    [{ LUCIDA_THREADS: 'all' }, 'threads (LUCIDA_THREADS)', 'number'],
    [{ LUCIDA_SAFETY: 'on' }, 'safety (LUCIDA_SAFETY)', '"label"'],
    [{ LUCIDA_PROMPT_HOOK: 'file:///x' }, 'promptHook (LUCIDA_PROMPT_HOOK)', 'URL'],
    [{ LUCIDA_THREADS: '-1' }, 'threads (LUCIDA_THREADS)', '0'],
    [{ LUCIDA_THREADS: '1.5' }, 'threads (LUCIDA_THREADS)', 'int'],
    [{ LUCIDA_PORT: '70000' }, 'port (LUCIDA_PORT)', '65535'],
    [{ LUCIDA_PROVIDERS: 'cpu,abacus' }, 'providers (LUCIDA_PROVIDERS)', '"cuda"'],
    [{ LUCIDA_SHRINK_ON_LOAD: 'perhaps' }, 'shrinkOnLoad (LUCIDA_SHRINK_ON_LOAD)', 'Invalid'],
    [{ LUCIDA_REMOTE_URLS: 'perhaps' }, 'remoteUrls (LUCIDA_REMOTE_URLS)', 'Invalid'],
  ])('that is wrong is named, with what it may be: %j', (env, name, words) => {
    const escaped = name.replaceAll(/[()]/g, String.raw`\$&`)
    expect(() => resolved({ env })).toThrow(refused(`Setting ${escaped}`, words))
  })
})

test('a list is separated by commas, or as in PATH where it is of folders', () => {
  const env = {
    LUCIDA_ALLOWED_HOSTS: 'a.example, b.example,',
    LUCIDA_ALLOWED_ROOTS: ['/photos', 'more'].join(delimiter),
  }
  expect(resolved({ env })).toMatchObject({
    allowedHosts: ['a.example', 'b.example'],
    allowedRoots: ['/photos', join(cwd, 'more')],
  })
})

describe('the data folder', () => {
  test('is absolute, relative to the working folder', () => {
    expect(resolved({ flags: { dataDir: 'data' } }).dataDir).toBe(join(cwd, 'data'))
    expect(resolved({ env: { LUCIDA_DATA_DIR: '/data' } }).dataDir).toBe('/data')
  })

  test.runIf(process.platform === 'linux')('lies where XDG says, by default', () => {
    expect(resolved({ env: { XDG_DATA_HOME: '/data' } }).dataDir).toBe('/data/lucida')
    expect(resolved().dataDir).toMatch(/\/\.local\/share\/lucida$/)
    // The specification: a value that is empty or relative counts as not set.
    for (const XDG_DATA_HOME of ['', 'data']) {
      expect(resolved({ env: { XDG_DATA_HOME } }).dataDir).toMatch(/\/\.local\/share\/lucida$/)
    }
  })
})

describe('the settings file', () => {
  test('is optional, and may set everything', async () => {
    const settings = {
      dataDir: '/data',
      databaseUrl: 'postgres://me@host/photos',
      model: './my-model',
      modelsDir: '/models',
      generator: './my-pipeline',
      vectorIndex: 'hnsw',
      threads: 2,
      providers: ['cuda', 'cpu'],
      shrinkOnLoad: false,
      safety: 'label',
      drawingSafety: 'off',
      safetyFile: '/etc/safety.json',
      promptHook: 'http://127.0.0.1:9000/',
      host: '0.0.0.0',
      port: 8080,
      allowedHosts: ['photos.example'],
      allowedRoots: ['/photos'],
      remoteUrls: true,
      rateLimit: 0,
      drainSeconds: 5,
    }
    await writeSettings(settings)
    expect(resolved()).toEqual(settings)
  })

  test.each([
    ['is no JSON', '{"model": '],
    ['is a list', '[]'],
    ['is null', 'null'],
  ])('that %s is refused by its path', async (_, content) => {
    await writeSettings(content)
    expect(() => resolved()).toThrow(refused(CONFIG_FILE))
  })

  test('with a misspelt setting is refused, naming it', async () => {
    await writeSettings({ modle: 'lucida-clip-1' })
    expect(() => resolved()).toThrow(refused(CONFIG_FILE, 'modle'))
  })

  test('with a wrong value is refused, naming the setting', async () => {
    await writeSettings({ vectorIndex: 3 })
    expect(() => resolved()).toThrow(refused('vectorIndex'))
    await writeSettings({ threads: null })
    expect(() => resolved()).toThrow(refused('threads'))
  })
})

test('every setting has a name for the environment, a default and a sentence', () => {
  for (const { env, default: fallback, description } of SETTINGS) {
    expect(env).toMatch(/^[A-Z][A-Z_]+$/)
    expect(fallback).not.toBe('')
    expect(description).toMatch(/^[A-Za-z].*\.$/)
  }
  expect(new Set(SETTINGS.map(({ env }) => env)).size).toBe(SETTINGS.length)
})
