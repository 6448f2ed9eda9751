import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import type { Hub } from '../../src/models/hub.ts'
import type { ModelFiles } from '../../src/models/manifest.ts'
import {
  type PullEvent,
  type PullOptions,
  pullFolder,
  type WantedFolder,
} from '../../src/models/pull.ts'
import { COMMIT, type FakeHub, startFakeHub } from '../helpers/fake-hub.ts'

const REPOSITORY = 'somebody/some-model'
/** Larger than what sockets buffer, so that a cut leaves a part. */
const WEIGHTS = Buffer.alloc(3_000_000, 'the weights of a model, again and again. ')
const CONFIG = Buffer.from('{"projection_dim": 8}')

let hub: FakeHub
let directory: string
beforeEach(async () => {
  hub = await startFakeHub()
  hub.files.set(`${REPOSITORY}/config.json`, CONFIG)
  hub.files.set(`${REPOSITORY}/onnx/model.onnx`, WEIGHTS)
  directory = await mkdtemp(join(tmpdir(), 'lucida-pull-'))
})
afterEach(async () => {
  hub.close()
  await rm(directory, { recursive: true })
})

const wanted: WantedFolder = {
  name: 'some-model',
  files: ['config.json', 'onnx/model.onnx'].map((path) => {
    return { repository: REPOSITORY, revision: 'main', path, to: path }
  }),
  manifest: 'manifest.json',
  describe: (files, commits) => ({ files, commits }),
  read: async (at): Promise<ModelFiles> => {
    const text = await readFile(join(at, 'manifest.json'), 'utf8')
    return { ...(JSON.parse(text) as Pick<ModelFiles, 'files'>), directory: at }
  },
}

interface Changes extends Partial<Omit<PullOptions, 'hub'>> {
  hub?: Partial<Hub>
}

function pull(changes: Changes = {}, folder = wanted): Promise<string> {
  return pullFolder(folder, {
    directory,
    retryAfterMs: [],
    freeBytes: async () => Infinity,
    ...changes,
    hub: { endpoint: hub.endpoint, ...changes.hub },
  })
}

async function expectWhole(place: string): Promise<void> {
  expect(place).toBe(join(directory, 'some-model'))
  expect((await readFile(join(place, 'onnx/model.onnx'))).equals(WEIGHTS)).toBe(true)
  expect(await readFile(join(place, 'config.json'))).toEqual(CONFIG)
}

/** Files that an attempt has left, by name. */
async function leftOver(): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
}

const failsWith = (code: string, ...words: string[]) => ({
  code,
  message: expect.stringMatching(words.join('[^]*')),
})

/** Sends the first half of what was asked for, then cuts the connection. */
const cutHalfway: FakeHub['storageTricks'][number] = (request, response) => {
  const from = Number(/\d+/.exec(request.headers.range ?? '0')![0])
  const part = WEIGHTS.subarray(from, from + Math.ceil((WEIGHTS.length - from) / 2))
  response.writeHead(from > 0 ? 206 : 200, {
    'content-length': String(WEIGHTS.length - from),
    'content-range': `bytes ${from}-${WEIGHTS.length - 1}/${WEIGHTS.length}`,
  })
  response.write(part, () => setImmediate(() => response.destroy()))
  return true
}

const startOf = (range: string | undefined) => Number(/\d+/.exec(range ?? '0')![0])

describe('a pull', () => {
  test('brings all files, and records sizes, checksums and the commit', async () => {
    const place = await pull()
    await expectWhole(place)
    expect(JSON.parse(await readFile(join(place, 'manifest.json'), 'utf8'))).toEqual({
      files: {
        'config.json': { sizeBytes: CONFIG.length, sha256: sha256(CONFIG) },
        'onnx/model.onnx': { sizeBytes: WEIGHTS.length, sha256: sha256(WEIGHTS) },
      },
      commits: { [REPOSITORY]: COMMIT },
    })
    expect(await readdir(directory)).toEqual(['.unfinished', 'some-model'])
    expect(await readdir(join(directory, '.unfinished'))).toEqual([])
  })

  test('takes all files from the commit that the branch stood for at its beginning', async () => {
    await pull()
    const asked = hub.seen.filter(({ at }) => at === 'hub').map(({ url }) => url.split('/')[4])
    expect(asked).toEqual(['main', COMMIT, COMMIT, COMMIT])
  })

  test('of what is here and whole asks nobody', async () => {
    await pull()
    const before = hub.seen.length
    await expectWhole(await pull())
    expect(hub.seen).toHaveLength(before)
  })

  test('brings every file of a folder that is asked for, but not those of folders in it', async () => {
    for (const path of ['model.onnx', 'layer.0.weight', 'cfg.json', 'fp16/model.onnx']) {
      hub.files.set(`${REPOSITORY}/visual/${path}`, Buffer.from(path))
    }
    const paths = ['config.json', 'visual/cfg.json', 'visual/']
    const files = paths.map((path) => {
      return { repository: REPOSITORY, revision: 'main', path, to: path }
    })
    const place = await pull({}, { ...wanted, files })
    expect((await readdir(join(place, 'visual'))).sort()).toEqual([
      'cfg.json',
      'layer.0.weight',
      'model.onnx',
    ])
    // The list is of the commit that the first file is from.
    expect(hub.seen.map(({ url }) => url)).toContain(
      `/api/models/${REPOSITORY}/tree/${COMMIT}/visual`,
    )
  })

  test('of a folder that the hub does not have, or does not list, is refused', async () => {
    const files = ['config.json', 'visual/'].map((path) => {
      return { repository: REPOSITORY, revision: 'main', path, to: path }
    })
    await expect(pull({}, { ...wanted, files })).rejects.toMatchObject({ code: 'not_found' })
    hub.hubTrick = (request, response) => {
      if (!request.url!.startsWith('/api/')) return false
      response.writeHead(200).end('<html>')
      return true
    }
    await expect(pull({}, { ...wanted, files })).rejects.toMatchObject({ code: 'fetch_failed' })
  })

  test('tells how far it is', async () => {
    const events: PullEvent[] = []
    await pull({ onEvent: (event) => events.push(event) })
    const totalBytes = WEIGHTS.length + CONFIG.length
    expect(events[0]).toEqual({ type: 'start', totalBytes, missingBytes: totalBytes })
    const done = events.flatMap((event) => (event.type === 'progress' ? [event.doneBytes] : []))
    expect(done).toEqual(done.toSorted((a, b) => a - b))
    expect(done.at(-1)).toBe(totalBytes)
  })

  test('of a damaged folder fetches what is damaged, and nothing else', async () => {
    const place = await pull()
    await writeFile(join(place, 'config.json'), 'no longer it')
    const before = hub.gets().length
    await expectWhole(await pull())
    expect(hub.gets()).toHaveLength(before)
  })

  test('takes what another program has in the hub’s cache, once it is verified', async () => {
    const cacheDirectory = join(directory, 'cache')
    const blobs = join(cacheDirectory, 'models--somebody--some-model/blobs')
    await mkdir(blobs, { recursive: true })
    await writeFile(join(blobs, sha256(WEIGHTS)), Buffer.from(WEIGHTS).fill('x', 0, 1))
    await pull({ hub: { cacheDirectory } })
    expect(hub.gets()).toHaveLength(1)
    await rm(join(directory, 'some-model'), { recursive: true })
    await writeFile(join(blobs, sha256(WEIGHTS)), WEIGHTS)
    await expectWhole(await pull({ hub: { cacheDirectory } }))
    expect(hub.gets()).toHaveLength(1)
  })
})

describe('an interruption', () => {
  test('of the connection is gone on from where it was', async () => {
    hub.storageTricks.push(cutHalfway, cutHalfway)
    const events: PullEvent[] = []
    await expectWhole(await pull({ retryAfterMs: [1], onEvent: (event) => events.push(event) }))
    expect(events.filter(({ type }) => type === 'retry')).toHaveLength(2)
    const starts = hub.gets().map(({ headers }) => startOf(headers.range))
    expect(starts).toHaveLength(3)
    expect(starts[0]).toBe(0)
    expect(starts[1]).toBeGreaterThan(0)
    expect(starts[2]).toBeGreaterThan(starts[1]!)
  })

  test('that does not end is told, and what has come is kept', async () => {
    hub.storageTricks.push(cutHalfway)
    await expect(pull()).rejects.toMatchObject(failsWith('fetch_failed'))
    expect(await readdir(directory)).toEqual(['.unfinished'])
    await expectWhole(await pull())
    expect(startOf(hub.gets()[1]!.headers.range)).toBeGreaterThan(0)
  })

  test('by the user, ten times over, loses nothing', async () => {
    // Slices with a pause, so that every attempt is cancelled somewhere within.
    const slowly: FakeHub['storageTricks'][number] = (request, response) => {
      const from = startOf(request.headers.range)
      response.writeHead(from > 0 ? 206 : 200, {
        'content-range': `bytes ${from}-${WEIGHTS.length - 1}/${WEIGHTS.length}`,
      })
      void (async () => {
        for (let at = from; at < WEIGHTS.length && !response.destroyed; at += 100_000) {
          response.write(WEIGHTS.subarray(at, at + 100_000))
          await sleep(2)
        }
        response.end()
      })()
      return true
    }
    for (let attempt = 1; attempt <= 10; attempt++) {
      hub.storageTricks.push(slowly)
      const user = new AbortController()
      const onEvent = (event: PullEvent) => {
        if (event.type !== 'progress' || event.doneBytes < attempt * 200_000) return
        user.abort()
      }
      const attempted = pull({ signal: user.signal, onEvent })
      await expect(attempted).rejects.toMatchObject(failsWith('cancelled'))
      expect(await readdir(directory)).toEqual(['.unfinished'])
    }
    await expectWhole(await pull())
    const starts = hub.gets().map(({ headers }) => startOf(headers.range))
    expect(starts).toHaveLength(11)
    expect(starts).toEqual(starts.toSorted((a, b) => a - b))
    expect(starts[10]).toBeGreaterThanOrEqual(1_900_000)
  })

  test('after which the hub has other files leaves nothing of the old ones', async () => {
    hub.storageTricks.push(cutHalfway)
    await expect(pull()).rejects.toMatchObject(failsWith('fetch_failed'))
    const newer = Buffer.from(WEIGHTS).fill('x', 0, 1)
    hub.files.set(`${REPOSITORY}/onnx/model.onnx`, newer)
    const place = await pull()
    expect(await readdir(join(place, 'onnx'))).toEqual(['model.onnx'])
    expect((await readFile(join(place, 'onnx/model.onnx'))).equals(newer)).toBe(true)
    expect(startOf(hub.gets()[1]!.headers.range)).toBe(0)
  })

  test('with a server that knows no ranges begins the file anew', async () => {
    const whole: FakeHub['storageTricks'][number] = (_, response) => {
      response.writeHead(200).end(WEIGHTS)
      return true
    }
    hub.storageTricks.push(cutHalfway, whole)
    await expectWhole(await pull({ retryAfterMs: [1] }))
  })
})

describe('what is refused', () => {
  test('a file of another content, which is removed', async () => {
    const other = Buffer.from(WEIGHTS).fill('x', 0, 1)
    hub.storageTricks.push((_, response) => {
      response.writeHead(200).end(other)
      return true
    })
    await expect(pull()).rejects.toMatchObject(
      failsWith('checksum_mismatch', 'onnx/model.onnx', 'removed'),
    )
    expect(await leftOver()).toEqual(['config.json'])
    await expectWhole(await pull())
  })

  test('a small file of another content', async () => {
    hub.hubTrick = ({ method, url }, response) => {
      if (method !== 'GET' || !url!.endsWith('config.json')) return false
      response.writeHead(200).end(Buffer.from(CONFIG).fill('x', 0, 1))
      return true
    }
    await expect(pull()).rejects.toMatchObject(failsWith('checksum_mismatch', 'config.json'))
  })

  test('a file longer than announced', async () => {
    hub.storageTricks.push((_, response) => {
      response.writeHead(200).end(Buffer.concat([WEIGHTS, WEIGHTS]))
      return true
    })
    await expect(pull()).rejects.toMatchObject(failsWith('checksum_mismatch'))
    expect(await leftOver()).toEqual(['config.json'])
  })

  test('a hub whose file is not the one that is known, before any byte of it is fetched', async () => {
    const known = (more: object) => {
      return { ...wanted, files: wanted.files.map((file) => ({ ...file, ...more })) }
    }
    for (const more of [{ sizeBytes: 7 }, { sizeBytes: WEIGHTS.length, sha256: 'a'.repeat(64) }]) {
      await expect(pull({}, known(more))).rejects.toMatchObject(failsWith('checksum_mismatch'))
    }
    expect(hub.gets()).toEqual([])
  })

  test('a disk that is too full, before any byte is fetched', async () => {
    const freeBytes = async () => WEIGHTS.length
    await expect(pull({ freeBytes })).rejects.toMatchObject(
      failsWith('disk_full', 'MiB free', 'LUCIDA_MODELS_DIR'),
    )
    expect(hub.gets()).toEqual([])
  })

  test.runIf(process.platform === 'linux')('a disk that fills up on the way', async () => {
    const folder = join(directory, '.unfinished/some-model/onnx')
    await mkdir(folder, { recursive: true })
    await symlink('/dev/full', join(folder, `model.onnx.${sha256(WEIGHTS).slice(0, 12)}.part`))
    await expect(pull()).rejects.toMatchObject(failsWith('disk_full', 'What was done is kept'))
  })

  test('a file that the hub does not have', async () => {
    hub.files.delete(`${REPOSITORY}/onnx/model.onnx`)
    await expect(pull()).rejects.toMatchObject(
      failsWith('not_found', REPOSITORY, 'onnx/model.onnx'),
    )
    expect(await readdir(directory)).toEqual(['.unfinished'])
  })

  test.each([401, 403])('a repository that is not open (%i)', async (status) => {
    hub.hubTrick = (_, response) => {
      response.writeHead(status).end()
      return true
    }
    await expect(pull()).rejects.toMatchObject(failsWith('unauthorized', 'HF_TOKEN'))
    await expect(pull({ hub: { token: 'secret' } })).rejects.toMatchObject(
      failsWith('unauthorized', 'the token does not allow it'),
    )
  })

  test('a mirror that knows no checksums', async () => {
    hub.hubTrick = (_, response) => {
      response.writeHead(200, { 'content-length': '5' }).end()
      return true
    }
    await expect(pull()).rejects.toMatchObject(failsWith('fetch_failed', 'X-Linked-ETag'))
  })

  test('a hub that fails, after the retries', async () => {
    hub.storageTricks.push(...[500, 503].map((status) => answering(status)))
    await expect(pull({ retryAfterMs: [1] })).rejects.toMatchObject(
      failsWith('fetch_failed', 'status 503'),
    )
    await expectWhole(await pull())
  })

  test('a hub that nobody answers for', async () => {
    const endpoint = 'http://127.0.0.1:1'
    await expect(pull({ hub: { endpoint } })).rejects.toMatchObject(
      failsWith('fetch_failed', 'could not be fetched'),
    )
  })
})

const answering = (status: number): FakeHub['storageTricks'][number] => {
  return (_, response) => {
    response.writeHead(status).end()
    return true
  }
}

describe('redirects', () => {
  test('carry the token to the hub’s own address only', async () => {
    await expectWhole(await pull({ hub: { token: 'secret' } }))
    const tokens = (at: string) =>
      new Set(hub.seen.filter((seen) => seen.at === at).map(({ headers }) => headers.authorization))
    expect(tokens('hub')).toEqual(new Set(['Bearer secret']))
    expect(tokens('storage')).toEqual(new Set([undefined]))
  })

  test('to another place of the hub are followed, with the token', async () => {
    hub.hubTrick = ({ url }, response) => {
      if (!url!.startsWith(`/${REPOSITORY}/`)) return false
      response.writeHead(307, { location: url!.replace(REPOSITORY, 'renamed/model') }).end()
      return true
    }
    hub.files.set('renamed/model/config.json', CONFIG)
    hub.files.set('renamed/model/onnx/model.onnx', WEIGHTS)
    await expectWhole(await pull({ hub: { token: 'secret' } }))
    const renamed = hub.seen.filter(({ url }) => url.startsWith('/renamed/model'))
    expect(new Set(renamed.map(({ headers }) => headers.authorization))).toEqual(
      new Set(['Bearer secret']),
    )
  })

  test('within the hub that carry the metadata end the question for it', async () => {
    hub.hubTrick = ({ url, method }, response) => {
      if (!url!.endsWith('/config.json') || url!.startsWith('/cache')) return false
      response.writeHead(307, {
        location: `/cache${url}`,
        'x-linked-etag': `"${sha256(CONFIG)}"`,
        'x-linked-size': String(CONFIG.length),
        'x-repo-commit': COMMIT,
      })
      response.end(method === 'HEAD' ? undefined : 'moved')
      return true
    }
    hub.files.set(`cache/${REPOSITORY}/config.json`, CONFIG)
    await expectWhole(await pull())
    expect(hub.seen.filter(({ url }) => url.startsWith('/cache'))).toHaveLength(1)
  })

  test('to another host without https are refused', async () => {
    hub.hubTrick = ({ method }, response) => {
      if (method !== 'GET') return false
      response.writeHead(302, { location: 'http://elsewhere.test/file' }).end()
      return true
    }
    await expect(pull()).rejects.toMatchObject(
      failsWith('fetch_failed', 'redirects to http://elsewhere.test, which is not https'),
    )
  })

  test('in a circle end', async () => {
    hub.hubTrick = ({ url }, response) => {
      response.writeHead(302, { location: url }).end()
      return true
    }
    await expect(pull()).rejects.toMatchObject(failsWith('fetch_failed', 'more than 5 times'))
  })
})

describe('a slow server', () => {
  test.each(['HEAD', 'GET'])('that says nothing to a %s is not waited for', async (which) => {
    hub.hubTrick = ({ method }) => method === which
    await expect(pull({ hub: { silenceMs: 100 } })).rejects.toMatchObject(
      failsWith('fetch_failed', 'says nothing for too long'),
    )
  })

  test('that falls silent is asked again for the rest', async () => {
    hub.storageTricks.push((_, response) => {
      response.writeHead(200, { 'content-length': String(WEIGHTS.length) })
      response.write(WEIGHTS.subarray(0, 1_000_000))
      return true
    })
    await expectWhole(await pull({ retryAfterMs: [1], hub: { silenceMs: 500 } }))
    expect(startOf(hub.gets()[1]!.headers.range)).toBe(1_000_000)
  })

  test('that goes on is waited for, however long it takes', async () => {
    hub.storageTricks.push((_, response) => {
      response.writeHead(200, { 'content-length': String(WEIGHTS.length) })
      void (async () => {
        for (let at = 0; at < WEIGHTS.length; at += 500_000) {
          response.write(WEIGHTS.subarray(at, at + 500_000))
          await sleep(300)
        }
        response.end()
      })()
      return true
    })
    await expectWhole(await pull({ hub: { silenceMs: 1500 } }))
    expect(hub.gets()).toHaveLength(1)
  })
})

describe('pulls at once', () => {
  test('of the same fetch it once', async () => {
    const events: PullEvent[] = []
    const onEvent = (event: PullEvent) => void events.push(event)
    const places = await Promise.all(Array.from({ length: 5 }, () => pull({ onEvent })))
    await expectWhole(places[0]!)
    expect(new Set(places).size).toBe(1)
    expect(hub.gets()).toHaveLength(1)
    expect(events.filter(({ type }) => type === 'waiting')).toHaveLength(4)
    expect(events.filter(({ type }) => type === 'start')).toHaveLength(1)
  })

  test('do not wait for one that was killed', async () => {
    const { pid } = spawnSync(process.execPath, ['--version'])
    await mkdir(join(directory, '.unfinished'))
    await writeFile(join(directory, '.unfinished/some-model.lock'), `${hostname()}\n${pid}\n`)
    await expectWhole(await pull({ onEvent: ({ type }) => expect(type).not.toBe('waiting') }))
  })

  test('do not wait for one of another machine that has been silent for long', async () => {
    const lock = join(directory, '.unfinished/some-model.lock')
    await mkdir(join(directory, '.unfinished'))
    await writeFile(lock, 'elsewhere\n1\n')
    const longAgo = new Date(Date.now() - 3_600_000)
    await utimes(lock, longAgo, longAgo)
    await expectWhole(await pull())
  })

  test('can be cancelled while they wait', async () => {
    await mkdir(join(directory, '.unfinished'))
    await writeFile(join(directory, '.unfinished/some-model.lock'), '')
    const user = new AbortController()
    const waiting = pull({ signal: user.signal, onEvent: () => user.abort() })
    await expect(waiting).rejects.toMatchObject(failsWith('cancelled'))
    expect(hub.seen).toEqual([])
  })
})
