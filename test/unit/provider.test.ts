import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { fallbackText, openWithFallback, type Provider } from '../../src/core/provider.ts'
import { openClip } from '../../src/models/clip.ts'
import { findModel } from '../../src/models/registry.ts'
import { runCaptured } from '../helpers/cli.ts'

const only =
  (...there: Provider[]) =>
  async (provider: Provider) => {
    if (!there.includes(provider)) throw new Error(`no ${provider}\nat line 3`)
    return provider
  }

test.each<[Provider[], Provider, Provider[]]>([
  [['cpu'], 'cpu', []],
  [[], 'cpu', []],
  [['cuda', 'cpu'], 'cuda', []],
  [['cpu', 'cuda'], 'cpu', []],
  [['coreml', 'cuda'], 'cuda', ['coreml']],
  [['webgpu', 'webgpu', 'openvino'], 'cpu', ['webgpu', 'openvino']],
])('asked for %j, it runs on %s', async (asked, used, refused) => {
  const built = ['cpu', 'cuda', 'webgpu']
  const { opened, choice } = await openWithFallback(asked, built, only('cpu', 'cuda'))
  expect(opened).toBe(used)
  expect(choice.used).toBe(used)
  expect(choice.refused.map(({ name }) => name)).toEqual(refused)
})

test('what cannot be had is told with its reason, in one line', async () => {
  const { choice } = await openWithFallback(['dml', 'cuda'], ['cpu', 'cuda'], only('cpu'))
  expect(fallbackText(choice)).toBe(
    'dml is not available here (this build of onnxruntime is without it); cuda is not available here (no cuda); the models run on cpu instead',
  )
  expect(fallbackText({ used: 'cuda', refused: [] })).toBeUndefined()
})

test('a model that the CPU cannot open is an error, whatever was asked for', async () => {
  await expect(openWithFallback(['cuda'], ['cuda'], only())).rejects.toThrow('no cpu')
})

// No build of onnxruntime-node has OpenVINO.
test('a real model runs where its provider is missing, and a warning says so once', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const model = await findModel('lucida-clip-1')
  const clip = openClip(model, { threads: 1, providers: ['openvino', 'cpu'] })
  const plain = openClip(model, { threads: 1 })
  try {
    expect(await clip.embedTexts(['a dog'])).toEqual(await plain.embedTexts(['a dog']))
    expect(await clip.provider()).toMatchObject({ used: 'cpu', refused: [{ name: 'openvino' }] })
    expect(await plain.provider()).toEqual({ used: 'cpu', refused: [] })
    expect(warn).toHaveBeenCalledTimes(1)
    expect(warn.mock.calls[0]).toEqual([expect.stringContaining('openvino'), 'LucidaWarning'])
  } finally {
    warn.mockRestore()
    await Promise.all([clip.close(), plain.close()])
  }
})

test('lucida doctor shows what models run on instead', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'lucida-provider-'))
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  try {
    const env = { LUCIDA_PROVIDERS: 'openvino,cpu', LUCIDA_MODELS_DIR: join(dataDir, 'models') }
    const { code, out } = await runCaptured(['doctor', '--data-dir', dataDir], { env })
    expect(code).toBe(0)
    expect(out).toMatch(/^warning +inference +openvino is not available here.* run on cpu/m)
    const unknown = await runCaptured(['doctor'], { env: { LUCIDA_PROVIDERS: 'abacus' } })
    expect(unknown.code).toBe(1)
    expect(unknown.err).toContain('providers (LUCIDA_PROVIDERS)')
  } finally {
    warn.mockRestore()
    await rm(dataDir, { recursive: true })
  }
})
