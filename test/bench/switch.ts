// A change of model under search load: a collection of photographs is filled with a second model while
// a server answers searches, the server is killed half-way and started again, the switch happens, and
// is rolled back. Every answer is compared with what each model alone says: exit code 1 when one
// failed, or was made of two. The second model is the built-in one with another pixel rule.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { SearchResponse } from '../../src/api/contract.ts'
import { type Client, createClient } from '../../src/client/client.ts'
import { openLucida } from '../../src/lucida.ts'
import { ALTERED, writeAlteredModel } from '../helpers/altered-model.ts'
import { readRows, unpack } from './datasets.ts'
import { printHeader, quantile, sample } from './report.ts'

const FIRST = 'lucida-clip-1'
const QUIET_SECONDS = 15

/** What came of the searches of one stretch. */
interface Tally {
  readonly ms: number[]
  readonly of: Map<string, number>
  failed: number
  mixed: number
}

/** Runs it: `npm run bench -- switch [--pictures n] [--set name] [--clients n]`. */
export async function run(): Promise<void> {
  const { values } = parseArgs({
    allowPositionals: true,
    strict: false,
    options: {
      pictures: { type: 'string', default: '5000' },
      set: { type: 'string', default: 'flickr8k-train' },
      clients: { type: 'string', default: '2' },
    },
  })
  const [wanted, set, clients] = [
    Number(values.pictures),
    String(values.set),
    Number(values.clients),
  ]
  const folder = await mkdtemp(join(tmpdir(), 'lucida-switch-'))
  let server: Server | undefined
  try {
    const photos = join(folder, 'photos')
    const [dataDir, modelsDir] = [join(folder, 'data'), join(folder, 'models')]
    await mkdir(photos)
    await unpack(set, photos)
    const rows = await readRows(set)
    for (const { file } of rows.slice(wanted)) await rm(join(photos, file))
    await writeAlteredModel(modelsDir)
    const captions = sample(
      rows.slice(0, wanted).flatMap((row) => row.captions ?? row.labels ?? []),
      200,
      7,
    )
    const files = Math.min(wanted, rows.length)
    printHeader('switch', `${FIRST} -> ${ALTERED}`, `${files} files of ${set}, PGlite`)
    console.log(`${clients} clients search one caption after the other, 10 results each`)
    const lucida = await openLucida({ dataDir, modelsDir })
    for await (const event of lucida.index([photos])) {
      if (event.type === 'failure') throw new Error(event.reason)
    }
    // Files with the same content are one picture.
    const { pictures } = (await lucida.models.status()).serving
    await lucida.close()

    server = await startServer(dataDir, modelsDir)
    const said = new Map([[FIRST, await listAnswers(server.client, captions)]])
    const judge = newJudge(said)
    const load = (until: () => boolean) =>
      searchUntil(() => server!.client, { captions, clients, judge, until })

    const quietEnd = performance.now() + QUIET_SECONDS * 1000
    report('quiet', await load(() => performance.now() > quietEnd))

    // Half of it, then a kill.
    let state = await server.client.useModel({ body: { model: ALTERED } })
    const half = () => (state.change?.filled ?? pictures) >= pictures / 2
    const [beforeKill] = await Promise.all([
      load(half),
      follow(server, (now) => (state = now), half),
    ])
    report('filling', beforeKill)
    await server.kill()
    console.log(`killed (SIGKILL) at ${state.change?.filled} of ${pictures}`)
    server = await startServer(dataDir, modelsDir)
    state = await server.client.models()
    const resumedAt = state.change?.filled ?? 0
    console.log(`started again: ${resumedAt} are there, ${state.serving.model} answers`)
    if (state.serving.model !== FIRST || resumedAt < pictures / 2) process.exitCode = 1

    // The rest, the switch, and a while after it.
    const startedAt = performance.now()
    const switched = () => state.change === null
    let overAt = Infinity
    const over = () => performance.now() > overAt
    const [rest] = await Promise.all([
      load(over),
      follow(server, (now) => (state = now), switched).then(
        () => (overAt = performance.now() + QUIET_SECONDS * 1000),
      ),
    ])
    const fillMs = overAt - startedAt - QUIET_SECONDS * 1000
    said.set(ALTERED, await listAnswers(server.client, captions))
    console.log(
      `filled to the end in ${(fillMs / 1000).toFixed(0)} s (${((pictures - resumedAt) / (fillMs / 1000)).toFixed(1)} pictures/s), ${state.serving.model} answers`,
    )
    report('filling, switch and after', judge.settle(rest))
    if (state.serving.model !== ALTERED || state.serving.filled !== pictures) process.exitCode = 1

    // Back again.
    let rolledBack = false
    const rollEnd = performance.now() + QUIET_SECONDS * 1000
    const rolling = sleep(2000).then(async () => {
      const before = performance.now()
      state = await server!.client.rollbackModel({ body: {} })
      console.log(`rollback answered after ${(performance.now() - before).toFixed(0)} ms`)
      rolledBack = true
    })
    const [around] = await Promise.all([
      load(() => rolledBack && performance.now() > rollEnd),
      rolling.catch((error: unknown) => {
        rolledBack = true
        throw error
      }),
    ])
    report('rollback', around)
    if (state.serving.model !== FIRST) process.exitCode = 1
    await server.stop()
    server = undefined
  } finally {
    await server?.kill()
    await rm(folder, { recursive: true, force: true })
  }
}

function report(name: string, { ms, of, failed, mixed }: Tally): void {
  const counts = [...of].map(([model, n]) => `${n} by ${model}`).join(', ')
  console.log(
    `${name.padEnd(26)} ${ms.length} answers (${counts}), failed ${failed}, mixed ${mixed}, ` +
      `p50 ${quantile(ms, 0.5).toFixed(1)} ms, p99 ${quantile(ms, 0.99).toFixed(1)} ms, ` +
      `worst ${Math.max(...ms).toFixed(0)} ms`,
  )
  if (failed + mixed > 0 || ms.length === 0) process.exitCode = 1
}

/** What an answer says of its results. */
type Said = readonly { readonly id: string; readonly score: number }[]

const saidIn = ({ items }: SearchResponse): Said =>
  items.map(({ image, score }) => ({ id: image.id, score: score! }))

/** Texts that are encoded together differ from one alone in the last digits. */
const ROUNDING = 1e-6

function isSame(a: Said, b: Said): boolean {
  const differs = (one: Said[number], i: number) =>
    one.id !== b[i]?.id || Math.abs(one.score - b[i].score) > ROUNDING
  return a.length === b.length && !a.some(differs)
}

async function listAnswers(client: Client, captions: readonly string[]): Promise<Said[]> {
  const answers: Said[] = []
  for (const text of captions) {
    answers.push(saidIn(await client.search({ query: { text, limit: 10 } })))
  }
  return answers
}

/** Knows what each model says; what one says that has not been asked alone yet is judged later. */
function newJudge(said: ReadonlyMap<string, readonly Said[]>) {
  const open: { model: string; caption: number; heard: Said }[] = []
  return {
    isMixed(caption: number, answer: SearchResponse): boolean {
      const expected = said.get(answer.model)?.[caption]
      const heard = saidIn(answer)
      if (expected !== undefined) return !isSame(heard, expected)
      open.push({ model: answer.model, caption, heard })
      return false
    },
    settle(tally: Tally): Tally {
      const mixed = open.splice(0).filter(({ model, caption, heard }) => {
        return !isSame(heard, said.get(model)?.[caption] ?? [])
      })
      return { ...tally, mixed: tally.mixed + mixed.length }
    },
  }
}

async function searchUntil(
  client: () => Client,
  options: {
    readonly captions: readonly string[]
    readonly clients: number
    readonly judge: ReturnType<typeof newJudge>
    readonly until: () => boolean
  },
): Promise<Tally> {
  const { captions, clients, judge, until } = options
  const tally: Tally = { ms: [], of: new Map(), failed: 0, mixed: 0 }
  let turn = 0
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (!until()) {
        const caption = turn++ % captions.length
        const startedAt = performance.now()
        try {
          const answer = await client().search({ query: { text: captions[caption]!, limit: 10 } })
          tally.ms.push(performance.now() - startedAt)
          tally.of.set(answer.model, (tally.of.get(answer.model) ?? 0) + 1)
          if (judge.isMixed(caption, answer)) tally.mixed++
        } catch (error) {
          tally.failed++
          console.error(error)
        }
      }
    }),
  )
  return tally
}

type State = Awaited<ReturnType<Client['models']>>

async function follow(
  { client }: Server,
  onState: (state: State) => void,
  until: () => boolean,
): Promise<void> {
  while (!until()) {
    const state = await client.models()
    if (state.trouble !== null) throw new Error(state.trouble)
    onState(state)
    await sleep(500)
  }
}

/**
 * A connection of its own for each request: on a crowded machine a kept one may be closed for its
 * idleness just as it is used, which says nothing about the server.
 */
const freshFetch: typeof fetch = (input, init = {}) =>
  new Promise((resolve, reject) => {
    const headers = Object.fromEntries(new Headers(init.headers))
    const { method = 'GET' } = init
    const sent = request(input as string, { method, headers, agent: false }, (answer) => {
      const body = Readable.toWeb(answer) as ReadableStream
      resolve(new Response(body, { status: answer.statusCode ?? 500 }))
    })
    sent.on('error', reject)
    sent.end(init.body)
  })

interface Server {
  readonly client: Client
  kill(): Promise<void>
  stop(): Promise<void>
}

async function startServer(dataDir: string, modelsDir: string): Promise<Server> {
  const child = fork(join(import.meta.dirname, 'switch-server.ts'), [dataDir, modelsDir], {
    execArgv: ['--import', 'tsx'],
  })
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  const end = async (how: (child: ChildProcess) => void) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    how(child)
    await ended
  }
  return {
    client: createClient({ baseUrl: url, fetch: freshFetch }),
    kill: () => end((running) => running.kill('SIGKILL')),
    stop: () => end((running) => running.send('stop')),
  }
}
