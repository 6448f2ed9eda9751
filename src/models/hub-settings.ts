// The conventions of Hugging Face's own tools: which hub, which token, which cache.
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { LucidaError } from '../core/errors.ts'
import type { Hub } from './hub.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The hub as HF_ENDPOINT, HF_TOKEN, HF_TOKEN_PATH, HF_HOME and HF_HUB_CACHE say. Throws `bad_input`
 * when HF_HUB_OFFLINE forbids it.
 */
export async function hubOf(env: Environment): Promise<Hub> {
  if (isOn(env.HF_HUB_OFFLINE)) {
    throw new LucidaError(
      'bad_input',
      'HF_HUB_OFFLINE is set, so nothing is pulled; unset it, or copy the files here and run lucida models import <folder>',
    )
  }
  const endpoint = env.HF_ENDPOINT?.trim() || 'https://huggingface.co'
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    throw new LucidaError('bad_input', `HF_ENDPOINT is no http: or https: URL: ${endpoint}`)
  }
  const home = homeOf(env)
  const token = env.HF_TOKEN?.trim() || (await storedToken(env, home))
  return { endpoint, token, cacheDirectory: env.HF_HUB_CACHE?.trim() || join(home, 'hub') }
}

function homeOf(env: Environment): string {
  if (env.HF_HOME?.trim()) return env.HF_HOME.trim()
  return join(env.XDG_CACHE_HOME?.trim() || join(homedir(), '.cache'), 'huggingface')
}

/** What `hf auth login` has left. */
async function storedToken(env: Environment, home: string): Promise<string | undefined> {
  if (isOn(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined
  const path = env.HF_TOKEN_PATH?.trim() || join(home, 'token')
  const text = await readFile(path, 'utf8').catch(() => '')
  return text.trim() || undefined
}

function isOn(value = ''): boolean {
  return ['1', 'on', 'yes', 'true'].includes(value.trim().toLowerCase())
}
