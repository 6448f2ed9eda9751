// Who may import whom. Layers point downwards only: core < pictures < models, store, sources < indexer, search,
// generate, audit < answer.ts < encode.ts, gallery.ts, cold-search.ts < lucida.ts < diagnose.ts < api < cli;
// client < web. Their order is what lets
// each of them be read by itself.
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const SRC = fileURLToPath(new URL('../src', import.meta.url))

interface Import {
  readonly specifier: string
  /** Gone at run time: `import type` and `export type`. */
  readonly typeOnly: boolean
}

interface Rule {
  /** Folders, and files of src/ itself, that may be imported besides the own folder. */
  readonly may: readonly string[]
  /** May be imported for their types only. */
  readonly mayTypes?: readonly string[]
  /** The only packages that may be imported, where it is not any. */
  readonly packages?: readonly string[]
}

const BELOW_LUCIDA = [
  'core',
  'pictures',
  'models',
  'store',
  'sources',
  'indexer',
  'search',
  'generate',
  'audit',
  'demo',
  'config.ts',
]
const EDGE: Rule = {
  may: ['core', 'config.ts', 'lucida.ts', 'cold-search.ts', 'diagnose.ts', 'measure.ts', 'demo'],
  mayTypes: [
    'models',
    'store',
    'indexer',
    'search',
    'generate',
    'audit',
    'develop',
    'explain',
    'answer.ts',
  ],
}

const RULES: Readonly<Record<string, Rule>> = {
  core: { may: [] },
  pictures: { may: ['core'] },
  models: { may: ['core', 'pictures'] },
  store: { may: ['core'] },
  sources: { may: ['core', 'pictures'] },
  indexer: { may: ['core', 'pictures', 'models', 'store', 'sources'] },
  search: { may: ['core', 'pictures', 'models', 'store'] },
  generate: { may: ['core', 'pictures', 'models'] },
  audit: { may: ['core', 'models', 'search'], mayTypes: ['store'] },
  demo: { may: ['core'] },
  backup: { may: ['core', 'store', 'sources', 'search'] },
  'config.ts': { may: ['core'] },
  develop: {
    may: [
      'core',
      'pictures',
      'models',
      'store',
      'sources',
      'indexer',
      'search',
      'generate',
      'answer.ts',
      'safety',
    ],
  },
  safety: { may: ['core', 'models', 'search'] },
  explain: { may: ['core', 'pictures', 'models', 'search', 'answer.ts'] },
  'live-index.ts': { may: ['core', 'search', 'store'] },
  'indexing.ts': {
    may: [
      'core',
      'models',
      'store',
      'sources',
      'indexer',
      'search',
      'config.ts',
      'writing.ts',
      'serving-space.ts',
    ],
    mayTypes: ['space.ts'],
  },
  queues: { may: ['core', 'store'], mayTypes: ['indexer', 'sources', 'indexing.ts', 'filling.ts'] },
  'filling.ts': { may: ['core', 'models', 'store', 'indexer', 'config.ts'] },
  'space.ts': {
    may: [
      'core',
      'models',
      'search',
      'audit',
      'safety',
      'config.ts',
      'answer.ts',
      'concepts.ts',
      'live-index.ts',
    ],
    mayTypes: ['store'],
  },
  'serving-space.ts': { may: ['core', 'space.ts'], mayTypes: ['models', 'store'] },
  'model-change.ts': {
    may: [
      'core',
      'models',
      'store',
      'indexer',
      'search',
      'config.ts',
      'writing.ts',
      'space.ts',
      'serving-space.ts',
      'filling.ts',
    ],
  },
  'answer.ts': {
    may: ['core', 'models', 'search', 'safety', 'sources'],
    mayTypes: ['store', 'audit'],
  },
  // Never the store: opening the database is what it is there to avoid.
  'cold-search.ts': {
    may: ['core', 'models', 'search', 'audit', 'safety', 'config.ts', 'answer.ts'],
  },
  'encode.ts': { may: ['core', 'search', 'answer.ts'], mayTypes: ['models'] },
  'gallery.ts': { may: ['core', 'pictures', 'store', 'sources', 'generate', 'answer.ts'] },
  'uploads.ts': {
    may: ['core', 'pictures', 'store', 'sources', 'indexer', 'writing.ts', 'serving-space.ts'],
  },
  'auditing.ts': { may: ['search', 'audit', 'answer.ts'] },
  'model-card.ts': { may: ['core', 'models', 'generate'] },
  'drawing.ts': {
    may: ['core', 'store', 'sources', 'generate', 'develop'],
    mayTypes: ['config.ts', 'space.ts', 'serving-space.ts', 'indexing.ts'],
  },
  'concepts.ts': { may: ['core', 'pictures', 'search', 'store', 'answer.ts'] },
  'duplicates.ts': { may: [], mayTypes: ['search', 'answer.ts', 'gallery.ts'] },
  'writing.ts': { may: ['search'] },
  'lucida.ts': {
    may: [
      ...BELOW_LUCIDA,
      'answer.ts',
      'encode.ts',
      'gallery.ts',
      'uploads.ts',
      'concepts.ts',
      'duplicates.ts',
      'drawing.ts',
      'writing.ts',
      'live-index.ts',
      'space.ts',
      'serving-space.ts',
      'indexing.ts',
      'model-change.ts',
      'auditing.ts',
      'model-card.ts',
      'backup',
      'develop',
      'explain',
      'safety',
      'queues',
    ],
  },
  doctor: { may: ['core', 'models', 'store', 'sources', 'search', 'config.ts', 'lucida.ts'] },
  'diagnose.ts': { may: [...BELOW_LUCIDA, 'doctor', 'lucida.ts'] },
  'measure.ts': { may: ['core', 'pictures', 'models', 'sources', 'indexer'] },
  'cluster.ts': { may: ['core', 'store', 'config.ts'] },
  // Runs in browsers too: it knows the server's types and nothing else.
  client: { may: [], mayTypes: ['api', 'indexer'], packages: [] },
  api: { ...EDGE, may: ['core', 'config.ts', 'lucida.ts', 'queues', 'client'] },
  cli: { ...EDGE, may: [...EDGE.may, 'api', 'client', 'cluster.ts'] },
  web: { may: ['client'], mayTypes: ['api'], packages: ['hono/jsx/dom', 'thumbhash'] },
}

/** Packages that only these files or folders may load. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'onnxruntime-node': ['models/session.ts'],
  'hnswlib-node': ['search/hnsw-graph.ts'],
  'pg-boss': ['queues/message-queue.ts'],
  sharp: [
    'pictures/open-picture.ts',
    'pictures/encode-picture.ts',
    'pictures/overlay.ts',
    'demo/',
    'diagnose.ts',
  ],
  '@aws-sdk/client-s3': ['sources/s3-client.ts'],
  'libheif-js/wasm-bundle': ['pictures/decode-heic.ts'],
  'jxl-oxide-wasm': ['pictures/decode-jxl.ts'],
  'hono/jsx/dom': ['web/'],
}

/** What belongs to the process, which only the command line and the settings may touch. */
const PROCESS = /\bprocess\.(env|exit)\b|\bconsole\./
const PROCESS_MODULES = new Set(['process', 'node:process', 'console', 'node:console'])
const MAY_TOUCH_PROCESS = /^(cli\/|config\.ts$)/

const BINDINGS = String.raw`(?:\*(?:\s+as\s+\w+)?|\w+(?:\s*,\s*\{[^}]*\})?|\{[^}]*\})`
const STATEMENT = new RegExp(
  String.raw`^(?:import|export)\s+(type\s+)?${BINDINGS}\s+from\s+['"]([^'"]+)['"]`,
  'gm',
)
const SIDE_EFFECT = /^import\s+['"]([^'"]+)['"]/gm
const CALL = /(?:\bimport|\brequire|\bcreateRequire\([^()]*\))\s*\(\s*['"]([^'"]+)['"]/g

function importsOf(text: string): Import[] {
  const found = (pattern: RegExp) => [...text.matchAll(pattern)]
  return [
    ...found(STATEMENT).map(([, type, specifier]) => {
      return { specifier: specifier!, typeOnly: type !== undefined }
    }),
    ...[...found(SIDE_EFFECT), ...found(CALL)].map(([, specifier]) => {
      return { specifier: specifier!, typeOnly: false }
    }),
  ]
}

const withoutComments = (text: string) =>
  text.replaceAll(/^\s*\/\*[^]*?\*\//gm, '').replaceAll(/^\s*\/\/.*$/gm, '')

/** `models/clip.ts` is of `models`, `lucida.ts` of itself. */
const layerOf = (file: string) => file.split('/')[0]!

/** What is wrong with one file of src/; `file` is its path below src/. */
function violations(file: string, source: string): string[] {
  const text = withoutComments(source)
  const rule = RULES[layerOf(file)]
  if (!rule) return [`${file}: no rule says what ${layerOf(file)} may import`]
  const wrong = importsOf(text)
    .filter((found) => !isAllowed(file, rule, found))
    .map(({ specifier }) => `${file} imports ${specifier}`)
  const touched = MAY_TOUCH_PROCESS.test(file) ? null : PROCESS.exec(text)
  if (touched) wrong.push(`${file} uses ${touched[0]}`)
  return wrong
}

function isAllowed(file: string, rule: Rule, { specifier, typeOnly }: Import): boolean {
  if (specifier.startsWith('.')) {
    const layer = layerOf(posix.join(posix.dirname(file), specifier))
    return (
      layer === layerOf(file) ||
      rule.may.includes(layer) ||
      (typeOnly && (rule.mayTypes ?? []).includes(layer))
    )
  }
  if (rule.packages) return rule.packages.includes(specifier)
  if (PROCESS_MODULES.has(specifier)) return MAY_TOUCH_PROCESS.test(file)
  const loaders = typeOnly ? undefined : PACKAGES[specifier]
  return !loaders || loaders.some((at) => (at.endsWith('/') ? file.startsWith(at) : file === at))
}

function sourceFiles(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => /\.tsx?$/.test(path))
}

test('every file of src/ keeps to the rules', () => {
  const files = sourceFiles()
  expect(files.length).toBeGreaterThan(50)
  expect(files.flatMap((file) => violations(file, readFileSync(join(SRC, file), 'utf8')))).toEqual(
    [],
  )
})

test('every import statement is seen', () => {
  const text = [
    `import sharp, { type Sharp } from 'one'`,
    `import type { A } from "two"`,
    `import {\n  a,\n  b,\n} from 'three'`,
    `import * as all from 'four'`,
    `import 'five'`,
    `export { c } from 'six'`,
    `export type { D } from 'seven'`,
    `export * from 'eight'`,
    `const lazy = await import('nine')`,
    `const native = createRequire(import.meta.url)('ten')`,
    `const words = 'imported from here'`,
  ].join('\n')
  const seen = importsOf(text)
  const names = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten']
  expect(new Set(seen.map(({ specifier }) => specifier))).toEqual(new Set(names))
  const types = seen.filter(({ typeOnly }) => typeOnly).map(({ specifier }) => specifier)
  expect(types).toEqual(['two', 'seven'])
})

describe('a planted violation is caught', () => {
  test.each([
    ['core/vector.ts', `import type { Clip } from '../models/clip.ts'`],
    ['models/clip.ts', `import { rows } from '../store/database.ts'`],
    ['store/paths.ts', `export { resolveConfig } from '../config.ts'`],
    ['sources/scan.ts', `import type { Root } from '../store/roots.ts'`],
    ['sources/read-object.ts', `import { S3 } from '@aws-sdk/client-s3'`],
    ['indexer/diff.ts', `import type { Hit } from '../search/vector-index.ts'`],
    ['search/query.ts', `const { scanFolder } = await import('../sources/scan.ts')`],
    ['backup/tables.ts', `import { openIndexing } from '../indexing.ts'`],
    ['generate/prior.ts', `import { encodeQuery } from '../search/query.ts'`],
    ['audit/audit.ts', `import { openDatabase } from '../store/database.ts'`],
    ['demo/draw.ts', `import { preprocess } from '../models/preprocess.ts'`],
    ['config.ts', `import { openLucida } from './lucida.ts'`],
    ['lucida.ts', `import type { CliIo } from './cli/io.ts'`],
    ['cli/commands/search.ts', `import { encodeQuery } from '../../search/query.ts'`],
    ['client/client.ts', `import { z } from '../api/contract.ts'`],
    ['web/app.tsx', `import { SearchRequest } from '../api/contract.ts'`],
    ['web/query.ts', `import { normalize } from '../core/vector.ts'`],
    ['web/parts/grid.tsx', `import { readFile } from 'node:fs/promises'`],
    ['web/parts/grid.tsx', `import { z } from 'zod'`],
    ['api/docs-page.ts', `import { render } from 'hono/jsx/dom'`],
    ['api/app.ts', `import { openDatabase } from '../store/database.ts'`],
    ['gallery.ts', `import { loadPicture } from './indexer/load-picture.ts'`],
    ['cli/run.ts', `import { type Hit } from '../search/vector-index.ts'`],
    ['models/clip.ts', `import { InferenceSession } from 'onnxruntime-node'`],
    ['search/hnsw-index.ts', `createRequire(import.meta.url)('hnswlib-node')`],
    ['search/query.ts', `import sharp from 'sharp'`],
    ['models/registry.ts', `const home = process.env.HOME`],
    ['lucida.ts', `if (failed) process.exit(1)`],
    ['store/owner.ts', `console.log('claimed')`],
    ['store/owner.ts', `import { env } from 'node:process'`],
    ['plugins/hook.ts', `export const nothing = 0`],
  ])('%s: %s', (file, text) => {
    expect(violations(file, text)).toHaveLength(1)
  })
})

test('what is allowed, or only mentioned, is not', () => {
  expect(violations('cli/run.ts', `import type { Hit } from '../search/vector-index.ts'`)).toEqual(
    [],
  )
  expect(violations('cli/main.ts', `console.log(process.env.HOME)`)).toEqual([])
  expect(violations('models/clip.ts', `// import sharp from 'sharp' and console.log it`)).toEqual(
    [],
  )
  expect(violations('store/owner.ts', `/** Ends with \`process.exit\`. */\nprocess.pid`)).toEqual(
    [],
  )
})
