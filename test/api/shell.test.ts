// The shell beside a server on the same data directory, and the commands that serve.
import { once } from 'node:events'
import { stat, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startServer } from '../../src/api/server.ts'
import type { SearchResponse } from '../../src/api/contract.ts'
import { runCaptured } from '../helpers/cli.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { drawPicture, makeBrokenPicture } from '../helpers/noise-pictures.ts'
import { openAt, writeDrawings } from '../helpers/open-lucida.ts'
import { newFolder, type TestFolder } from '../helpers/picture-folder.ts'
import { createApi } from '../../src/api/app.ts'

const lines = (text: string) => text.split('\n').slice(0, -1)

describeDatabase('the shell', (newPlace) => {
  let place: TestPlace
  let folder: TestFolder
  const run = (args: readonly string[], signal?: AbortSignal) =>
    runCaptured([...args, '--data-dir', place.dataDir], {
      cwd: folder.path,
      ...(signal && { signal }),
    })

  beforeAll(async () => {
    place = await newPlace()
    folder = await newFolder()
    await writeDrawings(folder)
    await folder.write('sub/broken.jpg', await makeBrokenPicture(1))
    await run(['index', folder.path])
  })
  afterAll(async () => {
    await folder[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
  })

  /** A server on the same data directory. */
  async function serving() {
    const lucida = await openAt(place)
    const api = createApi(lucida)
    const server = await startServer(api, {
      host: '127.0.0.1',
      port: 0,
      ownDirectory: place.dataDir,
    })
    return {
      url: server.url,
      [Symbol.asyncDispose]: async () => {
        await server.close()
        await lucida.close()
      },
    }
  }

  /** Times and counts of milliseconds differ from run to run. */
  const steady = (text: string) =>
    text
      .replaceAll(/"tookMs":\d+/g, '"tookMs":0')
      .replaceAll(/"indexedAt":"[^"]+"/g, '"indexedAt":"then"')
      .replaceAll(/\d+(\.\d+)? (ms|s)\b/g, '0 $2')

  const COMMANDS = [
    ['search', 'a', 'red', 'square', '+', '0.5:blue', '-', './disc.png'],
    ['search', 'red', '--json', '--limit', '5', '--page', '2'],
    ['search', 'red', '--format', 'png', '--gps', '--files'],
    ['search', '--format', 'png', '--order', 'date', '-k', '3'],
    ['search', 'red', '--order', 'date', '--min-score', '-1', '--json'],
    ['search', './missing.png'],
    ['search', 'x', '--root', '/nowhere'],
    ['similar', 'red.png', '-k', '3'],
    ['similar', 'sub/broken.jpg'],
    ['classify', 'red.png', 'blue.png', '--labels', 'red,blue', '--template', 'all {}'],
    ['classify', 'red.png', '--labels', 'red,blue', '--multi', '--json'],
    ['classify', 'red.png', 'sub/broken.jpg', '--labels', 'red,blue'],
    ['why', 'red.png', 'a', 'red', 'square', '-', '2:blue'],
    ['why', './disc.png', 'red', '+', './red.png', '--json'],
    ['why', './missing.png', 'red'],
    ['why', 'f'.repeat(64), 'red'],
    ['why', 'sub/broken.jpg', 'red'],
    ['safety', 'red.png', 'blue.png'],
    ['safety', './disc.png', '--json'],
    ['safety', './missing.png'],
    ['facets', '--min-width', '50'],
    ['facets', '--json', '--near', '48.86,2.35,10', '--box', '36,-9.5,44,3.3'],
    ['failures'],
    ['status'],
    ['status', '--json'],
    ['index'],
    ['index', '.', '--json'],
    ['index', './missing'],
    ['remove', './missing'],
    ['keys', 'list'],
    ['models', 'status'],
  ]

  test('says through a server what it says by itself', async () => {
    const alone = []
    for (const command of COMMANDS) alone.push(await run(command))
    await using server = await serving()
    for (const [i, command] of COMMANDS.entries()) {
      const { code, out, err } = await run(command)
      const expected = alone[i]!
      expect({ command, code, out: steady(out) }).toEqual({
        command,
        code: expected.code,
        out: steady(expected.out),
      })
      expect({ command, err: steady(err) }).toEqual({ command, err: steady(expected.err) })
    }
    // It was the server that answered: nobody else may open the directory.
    await expect(openAt(place)).rejects.toMatchObject({ code: 'database_busy' })
    expect((await fetch(`${server.url}/livez`)).status).toBe(200)
  })

  test('and page see what either has indexed', async () => {
    await using server = await serving()
    await folder.write('late.png', await drawPicture('#101010', '<circle r="50" fill="red"/>'))
    const { code, err } = await run(['index', folder.path])
    expect(code).toBe(0)
    expect(err).toContain('1 new')
    const url = `${server.url}/v1/search?format=png&limit=100`
    const { items } = (await (await fetch(url)).json()) as SearchResponse
    expect(items.map(({ image }) => image.path)).toContain(folder.at('late.png'))
    const { out } = await run(['search', 'red', '--files', '-k', '100'])
    expect(lines(out)).toContain(folder.at('late.png'))
  })

  test.each(['cancelled', 'running'])(
    'calls no success what a server has left %s',
    async (state) => {
      await using other = await newPlace()
      const job = { id: 'one', state, error: null }
      const server = createHttpServer(({ url, method }, answer) => {
        if (url!.endsWith('/events')) {
          answer.setHeader('content-type', 'text/event-stream')
          return answer.end(`event: job\ndata: ${JSON.stringify(job)}\n\n`)
        }
        answer.setHeader('content-type', 'application/json')
        answer.statusCode = method === 'POST' ? 202 : 200
        return answer.end(JSON.stringify({ job }))
      }).listen(join(other.dataDir, 'server.sock'))
      await once(server, 'listening')
      const { code, err } = await runCaptured(['index', '--data-dir', other.dataDir])
      server.close()
      expect(code).toBe(1)
      expect(err).toContain('before its end')
    },
  )

  test('does not need a server that has died', async () => {
    const socket = join(place.dataDir, 'server.sock')
    // What a kill leaves behind: a socket at which nobody listens.
    const dead = createServer().listen(socket)
    await once(dead, 'listening')
    const copy = await stat(socket)
    dead.close()
    await writeFile(socket, '')
    expect(copy.isSocket()).toBe(true)
    const { code, out } = await run(['search', '--format', 'png', '--order', 'date', '--files'])
    expect(code).toBe(0)
    expect(lines(out).length).toBeGreaterThan(5)
    await using server = await serving()
    expect((await fetch(`${server.url}/livez`)).status).toBe(200)
    expect((await stat(socket)).isSocket()).toBe(true)
  })

  test('the socket is for its user alone', async () => {
    await using server = await serving()
    const { mode } = await stat(join(place.dataDir, 'server.sock'))
    expect(mode & 0o777).toBe(0o600)
    expect((await fetch(`${server.url}/v1/keys`)).status).toBe(403)
  })

  test('makes keys that a running server knows at once, and revokes them', async () => {
    await using server = await serving()
    const { out, err } = await run(['keys', 'create', '--name', 'phone', '--scope', 'write'])
    const key = out.trim()
    expect(key).toMatch(/^lk_[0-9a-f]{12}_/)
    expect(err).toContain('not shown again')
    const get = async (authorization?: string) =>
      (
        await fetch(`${server.url}/v1/facets`, {
          headers: authorization ? { authorization } : {},
        })
      ).status
    expect(await get()).toBe(401)
    expect(await get(`Bearer ${key}`)).toBe(200)
    const listed = (await run(['keys', 'list'])).out
    expect(listed).toMatch(/write .* phone\n$/)
    expect(listed).not.toContain(key)
    expect((await run(['keys', 'revoke', key.split('_')[1]!])).code).toBe(0)
    expect(await get(`Bearer ${key}`)).toBe(401)
    // The last key is gone, and the door is still closed.
    expect(await get()).toBe(401)
    expect((await run(['keys', 'revoke', 'unknown'])).code).toBe(1)
  })

  describe('up', () => {
    /** Runs a command that serves; `stop` ends it as Ctrl+C does. */
    async function start(args: readonly string[]) {
      const stop = new AbortController()
      let out = ''
      let say: (url: string) => void = () => {}
      const said = new Promise<string>((resolve) => (say = resolve))
      const ended = runCaptured(
        [...args, '--data-dir', place.dataDir, '--port', '0', '--no-open'],
        {
          cwd: folder.path,
          signal: stop.signal,
          out: (text) => {
            out += text
            if (out.includes('\n')) say(out.trim())
          },
        },
      )
      const url = await Promise.race([
        said,
        ended.then(({ err }) => Promise.reject(new Error(err))),
      ])
      return {
        url,
        stop: async () => {
          stop.abort()
          return ended
        },
      }
    }

    test('serves at once and indexes beside it', async () => {
      const server = await start(['up', folder.path])
      const page = await fetch(server.url)
      expect(page.headers.get('content-type')).toContain('text/html')
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
      await expect
        .poll(
          async () => {
            const { items } = (await (await fetch(`${server.url}/v1/jobs`)).json()) as {
              items: { state: string }[]
            }
            return items.map(({ state }) => state)
          },
          { timeout: 60_000 },
        )
        .toEqual(['done'])
      const url = `${server.url}/v1/search?text=red&limit=1`
      expect(((await (await fetch(url)).json()) as SearchResponse).items).toHaveLength(1)
      expect((await server.stop()).code).toBe(0)
      await expect(fetch(server.url)).rejects.toThrow()
    })
  })

  test('does not open the door to others without a key', async () => {
    await using other = await newPlace()
    const { code, err } = await runCaptured([
      'serve',
      '--host',
      '0.0.0.0',
      '--port',
      '0',
      '--data-dir',
      other.dataDir,
    ])
    expect(code).toBe(1)
    expect(err).toContain('lucida keys create')
  })

  test('names a port that is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    const { code, err } = await run(['serve', '--port', String(port)])
    taken.close()
    expect(code).toBe(1)
    expect(err).toContain(`Port ${port} is in use`)
  })
})
