// Every setting in one place: its default, where it may be set, and what it means.
// Flags win over the environment, the environment over lucida.config.json, that over defaults.
// docs/settings.md is checked against this table.
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { z } from 'zod'
import { LucidaError, messageOf } from './core/errors.ts'
import { placeOf } from './core/place.ts'
import { PROVIDERS } from './core/provider.ts'

/** Name of the optional settings file in the working directory. */
export const CONFIG_FILE = 'lucida.config.json'

/** A list, which a variable holds as one text. */
const list = (separator: string | RegExp) =>
  z.union([
    z.array(z.string()),
    z.string().transform((text) =>
      text
        .split(separator)
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    ),
  ])

/**
 * As in PATH. Where that is a colon, it is not the one of s3://, and after that only one before another
 * place: what else follows a colon there is no folder, but perhaps a secret, and is refused whole.
 */
const BETWEEN_PLACES =
  delimiter === ':'
    ? /(?<!(?:^|:)\s*s3(?::\/\/[^:]*)?):|:(?=\s*(?:\/(?!\/)|s3:\/\/|\.))/
    : delimiter

const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')])

const schema = z.strictObject({
  dataDir: z
    .string()
    .min(1)
    .describe('Folder for the embedded database, index files and caches; made when missing.'),
  databaseUrl: z
    .string()
    .min(1)
    .optional()
    .describe(
      'postgres://user:password@host/database of a server (15 or later); embedded when unset.',
    ),
  model: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Name of a model (see `lucida models`), or the folder of one, for this process; the one that the collection uses when unset.',
    ),
  storage: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder or s3://bucket/prefix in which Lucida keeps what it draws and what is uploaded; the data folder when unset. Machines that share a database must share it too (docs/buckets.md).',
    ),
  modelsDir: z
    .string()
    .min(1)
    .describe('Folder for models that were pulled or imported; shared by all data folders.'),
  generator: z
    .string()
    .min(1)
    .describe('Name of a pipeline that draws pictures, or the folder of one.'),
  terms: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File of words and prompts for audits and balanced searches (docs/bias.md); ours when unset.',
    ),
  vectorIndex: z
    .enum(['auto', 'exact', 'hnsw', 'pgvector', 'pgvector-binary'])
    .describe(
      'Nearest-neighbour index; `auto` scans exactly while that takes a few milliseconds. `pgvector` and `pgvector-binary` keep it on the database server (docs/scale.md).',
    ),
  threads: z
    .union([z.number(), z.string().transform(Number)])
    .pipe(z.number().int().min(0).max(1024))
    .describe(
      'Threads of the model; 0 measures in the first long indexing run how many leave the decoders theirs.',
    ),
  providers: list(',')
    .pipe(z.array(z.enum(PROVIDERS)))
    .describe(
      `What models run on, the first choice first, separated by commas: ${PROVIDERS.join(', ')}. The CPU takes over what cannot be had.`,
    ),
  shrinkOnLoad: flag.describe(
    'Whether large pictures are made smaller while they are decoded; otherwise the model’s filter sees every pixel, which takes longer and makes other vectors.',
  ),
  safety: z
    .enum(['off', 'label', 'hide'])
    .describe(
      'What becomes of results that may show what the safety policy names: nothing, a label, or they are left out.',
    ),
  drawingSafety: z
    .enum(['off', 'prompts', 'pictures'])
    .describe(
      'What is not drawn: `prompts` refuses blocked words, `pictures` also withholds drawings that reach a threshold.',
    ),
  safetyFile: z
    .string()
    .min(1)
    .optional()
    .describe('A safety policy of your own, in JSON; the built-in one when unset.'),
  promptHook: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Address of a service of yours that is asked whether texts may be drawn.'),
  host: z
    .string()
    .min(1)
    .describe('Address that `lucida serve` listens on; any but this machine itself needs a key.'),
  port: z
    .union([z.number(), z.string().transform(Number)])
    .pipe(z.number().int().min(0).max(65_535))
    .describe('Port that `lucida serve` listens on; 0 takes a free one.'),
  allowedHosts: list(',').describe(
    'Names by which browsers may call the server besides localhost, separated by commas.',
  ),
  allowedRoots: list(BETWEEN_PLACES).describe(
    'Folders and s3://bucket/prefixes in which folders may be indexed over HTTP, separated as in PATH; others from the shell only.',
  ),
  remoteUrls: flag.describe(
    'Whether the server fetches pictures from public addresses that a request names.',
  ),
  rateLimit: z
    .union([z.number(), z.string().transform(Number)])
    .pipe(z.number().int().min(0).max(1_000_000))
    .describe(
      'Requests a minute of one key or address, to all servers of one Postgres together; 0 sets no limit. Not for this machine.',
    ),
  drainSeconds: z
    .union([z.number(), z.string().transform(Number)])
    .pipe(z.number().int().min(0).max(600))
    .describe(
      'How long a server that is told to end still takes requests while `/readyz` says 503, so that a load balancer sends them elsewhere first.',
    ),
})

/** The settings of one run, resolved. */
export type Config = z.infer<typeof schema>

/** Settings as given by flags, or by a program that uses Lucida as a library. */
export type PartialConfig = { readonly [K in keyof Config]?: Config[K] | undefined }

/** One setting, for the documentation. */
export interface Setting {
  readonly key: keyof Config
  readonly env: string
  readonly default: string
  readonly description: string
}

const ENV: Record<keyof Config, string> = {
  dataDir: 'LUCIDA_DATA_DIR',
  databaseUrl: 'DATABASE_URL',
  model: 'LUCIDA_MODEL',
  storage: 'LUCIDA_STORAGE',
  modelsDir: 'LUCIDA_MODELS_DIR',
  generator: 'LUCIDA_GENERATOR',
  terms: 'LUCIDA_TERMS',
  vectorIndex: 'VECTOR_INDEX',
  threads: 'LUCIDA_THREADS',
  providers: 'LUCIDA_PROVIDERS',
  shrinkOnLoad: 'LUCIDA_SHRINK_ON_LOAD',
  safety: 'LUCIDA_SAFETY',
  drawingSafety: 'LUCIDA_DRAWING_SAFETY',
  safetyFile: 'LUCIDA_SAFETY_FILE',
  promptHook: 'LUCIDA_PROMPT_HOOK',
  host: 'LUCIDA_HOST',
  port: 'LUCIDA_PORT',
  allowedHosts: 'LUCIDA_ALLOWED_HOSTS',
  allowedRoots: 'LUCIDA_ALLOWED_ROOTS',
  remoteUrls: 'LUCIDA_REMOTE_URLS',
  rateLimit: 'LUCIDA_RATE_LIMIT',
  drainSeconds: 'LUCIDA_DRAIN_SECONDS',
}

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
} as const

const UNSET = {
  databaseUrl: 'unset',
  model: 'unset',
  storage: 'unset',
  terms: 'unset',
  safetyFile: 'unset',
  promptHook: 'unset',
}

/** All settings with their documentation. */
export const SETTINGS: readonly Setting[] = (Object.keys(ENV) as (keyof Config)[]).map((key) => ({
  key,
  env: ENV[key],
  default:
    key === 'dataDir' || key === 'modelsDir'
      ? 'per user, see below'
      : String({ ...UNSET, ...DEFAULTS }[key]) || 'none',
  description: schema.shape[key].description ?? '',
}))

/** Where settings come from. */
export interface ConfigSources {
  readonly flags?: PartialConfig
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Folder whose lucida.config.json is read. */
  readonly cwd?: string
}

/** Resolves the settings. Throws `bad_input` naming the setting and what it accepts. */
export function resolveConfig(sources: ConfigSources = {}): Config {
  const { flags = {}, env = process.env, cwd = process.cwd() } = sources
  const fromEnv = Object.fromEntries(
    Object.entries(ENV).map(([key, name]) => [key, env[name]?.trim() || undefined]),
  )
  const merged = {
    dataDir: defaultDataDir(env),
    modelsDir: join(defaultDataDir(env), 'models'),
    ...DEFAULTS,
    ...readConfigFile(cwd),
    ...withoutUndefined(fromEnv),
    ...withoutUndefined(flags),
  }
  const parsed = schema.safeParse(merged)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const name = String(issue!.path[0] ?? '')
    const where = ENV[name as keyof Config] ? `${name} (${ENV[name as keyof Config]})` : CONFIG_FILE
    throw new LucidaError('bad_input', `Setting ${where} is not valid: ${issue!.message}`)
  }
  const { dataDir, storage, modelsDir, terms, allowedRoots, safetyFile, vectorIndex, databaseUrl } =
    parsed.data
  if (vectorIndex.startsWith('pgvector') && databaseUrl === undefined) {
    throw new LucidaError(
      'bad_input',
      `Setting vectorIndex (${ENV.vectorIndex}) is not valid: ${vectorIndex} needs a PostgreSQL server, named by databaseUrl (${ENV.databaseUrl}); the embedded database has no pgvector`,
    )
  }
  return {
    ...parsed.data,
    dataDir: resolve(cwd, dataDir),
    ...(storage !== undefined && { storage: placeOf(storage, cwd) }),
    modelsDir: resolve(cwd, modelsDir),
    ...(terms !== undefined && { terms: resolve(cwd, terms) }),
    ...(safetyFile !== undefined && { safetyFile: resolve(cwd, safetyFile) }),
    allowedRoots: allowedRoots.map((root) => placeOf(root, cwd)),
  }
}

/** The usual place for an application's data on this system. */
function defaultDataDir(env: Readonly<Record<string, string | undefined>>): string {
  if (process.platform === 'darwin') return join(homedir(), 'Library/Application Support/Lucida')
  if (process.platform === 'win32') return join(env.APPDATA ?? homedir(), 'Lucida')
  // The XDG specification: a value that is empty or relative counts as not set.
  const { XDG_DATA_HOME = '' } = env
  return join(isAbsolute(XDG_DATA_HOME) ? XDG_DATA_HOME : join(homedir(), '.local/share'), 'lucida')
}

function readConfigFile(cwd: string): Record<string, unknown> {
  const path = join(cwd, CONFIG_FILE)
  if (!existsSync(path)) return {}
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    throw new LucidaError('bad_input', `${path} is not valid JSON: ${messageOf(cause)}`, { cause })
  }
}

function withoutUndefined(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}
