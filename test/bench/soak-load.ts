// What clients of a server do in a mixed life of it: one action at a time, chosen by weight.
import { readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError, createClient } from '../../src/client/client.ts'
import { makeBlobs, makePicture } from '../helpers/noise-pictures.ts'
import { patientFetch } from './patient-fetch.ts'

/** Who does what. */
export interface LoadOptions {
  readonly url: string
  /** Its pictures are added, moved and deleted. */
  readonly photos: string
  readonly random: () => number
}

/** What was done. */
export interface Done {
  readonly counts: Record<string, number>
  /** What should not have failed. */
  readonly failures: string[]
}

type Action = () => Promise<unknown>

const THINGS = ['a dog', 'a red car', 'snow', 'two people', 'a tree', 'blobs', 'food', 'the sea']
const PLACES = ['in the street', 'at night', 'on a table', 'in the woods', 'from above', '']

/** The actions of one client, each with how often it comes up. */
export function actionsOf({ url, photos, random }: LoadOptions): [string, number, Action][] {
  const client = createClient({ baseUrl: url, fetch: patientFetch })
  const stranger = createClient({
    baseUrl: url,
    fetch: patientFetch,
    key: `lk_${'0'.repeat(12)}_${'x'.repeat(43)}`,
  })
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!
  const text = () => `${pick(THINGS)} ${pick(PLACES)} ${Math.floor(random() * 1000)}`
  let ids: string[] = []
  const anyId = async () => {
    if (ids.length === 0 || random() < 0.02) {
      const { items } = await client.search({ query: { limit: 100 } })
      ids = items.map(({ image }) => image.id)
    }
    return pick(ids)
  }
  const picture = () => makeBlobs(Math.floor(random() * 1e9))
  const form = async (name = 'image') => {
    const data = new FormData()
    data.append(name, new File([new Uint8Array(await picture())], 'query.png'))
    return data
  }
  /** Follows for a while and goes away in the middle of it. */
  const peek = async (follow: (signal: AbortSignal) => AsyncIterable<unknown>) => {
    const leave = new AbortController()
    const timer = setTimeout(() => leave.abort(), random() * 500)
    try {
      for await (const _ of follow(leave.signal)) if (random() < 0.1) break
    } catch (error) {
      if (!leave.signal.aborted) throw error
    } finally {
      clearTimeout(timer)
    }
  }
  const get = async (address: string) => {
    const answer = await patientFetch(address)
    // Some go away before they have it all.
    if (random() < 0.2) return answer.body?.cancel()
    return answer.arrayBuffer()
  }

  return [
    ['search', 30, () => client.search({ query: { text: text(), limit: 20 } })],
    [
      'search with a filter',
      10,
      () =>
        client.search({
          query: { text: text(), format: 'png', minWidth: 1 + Math.floor(random() * 50) },
        }),
    ],
    ['search by picture', 6, async () => client.searchImage({ form: await form() })],
    ['similar', 10, async () => client.similar({ params: { id: await anyId() } })],
    [
      'thumbnail',
      20,
      async () => get(client.thumbnailUrl(await anyId(), pick([64, 128, 256, 512]))),
    ],
    ['file', 6, async () => get(client.fileUrl(await anyId()))],
    ['list', 10, () => client.search({ query: { limit: 50 } })],
    ['facets', 6, () => client.facets({})],
    ['status', 3, () => client.status()],
    ['duplicates', 1, () => client.duplicates({ query: { kind: 'near' } })],
    [
      'classify',
      3,
      async () => {
        const image = (await picture()).toString('base64')
        return client.classify({ body: { images: [{ image }], labels: THINGS } })
      },
    ],
    [
      'explain',
      1,
      async () =>
        client.explain({ body: { image: { id: await anyId() }, terms: [{ text: text() }] } }),
    ],
    // Of those few a minute are looked up.
    ['a wrong key', 3, () => expectStatus([401, 429], () => stranger.status())],
    [
      'a wrong question',
      3,
      () => expectStatus([400], () => client.search({ query: { limit: 0 } })),
    ],
    [
      'index',
      4,
      async () => {
        await change(photos, random)
        const { job } = await client.startIndexing({ body: { folders: [photos], prune: true } })
        for (let i = 0; i < 3; i++) {
          await peek((signal) => client.followJob(job.id, { signal }))
        }
        for await (const _ of client.followJob(job.id)) await sleep(0)
      },
    ],
    [
      'upload',
      1,
      async () => {
        // Not every version takes pictures in.
        const { paths } = (await (await patientFetch(`${url}/openapi.json`)).json()) as {
          paths: Record<string, object>
        }
        if (!('post' in (paths['/v1/images'] ?? {}))) return
        const answer = await patientFetch(`${url}/v1/images`, {
          method: 'POST',
          body: await form(),
        })
        if (!answer.ok) throw new Error(`upload: ${answer.status} ${await answer.text()}`)
        const { id } = (await answer.json()) as { id: string }
        await client.forgetImage({ params: { id } })
      },
    ],
  ]
}

/** Draws something small, and looks on for a while. */
export async function draw(url: string, random: () => number): Promise<void> {
  const client = createClient({ baseUrl: url, fetch: patientFetch })
  const body = { text: THINGS[Math.floor(random() * THINGS.length)]!, candidates: 1, steps: 4 }
  const { generation } = await client.startGeneration({
    body: { ...body, rounds: 1, seed: Math.floor(random() * 1e6) },
  })
  for await (const news of client.followGeneration(generation.id)) {
    if (news.type === 'generation' && news.generation.error) {
      throw new Error(news.generation.error.message)
    }
  }
}

/** Does what comes up until `until` says so. */
export async function work(
  actions: readonly (readonly [string, number, Action])[],
  { random }: LoadOptions,
  done: Done,
  until: () => boolean,
): Promise<void> {
  const total = actions.reduce((sum, [, weight]) => sum + weight, 0)
  while (!until()) {
    let at = random() * total
    const [name, , act] = actions.find(([, weight]) => (at -= weight) < 0)!
    try {
      await act()
    } catch (error) {
      // A picture that somebody has just deleted.
      const isGone = error instanceof ApiError && [404, 409].includes(error.status)
      if (!isGone) done.failures.push(`${name}: ${String(error)}`)
    }
    done.counts[name] = (done.counts[name] ?? 0) + 1
  }
}

/** Adds, moves and deletes as many pictures as it adds. */
async function change(folder: string, random: () => number): Promise<void> {
  const names = await readdir(folder)
  const any = () => names.splice(Math.floor(random() * names.length), 1)[0]!
  for (let i = 0; i < 3; i++) {
    await writeFile(join(folder, `${random()}.png`), await makePicture(random()))
    await rm(join(folder, any()))
    await rename(join(folder, any()), join(folder, `${random()}.png`))
  }
}

async function expectStatus(
  statuses: readonly number[],
  ask: () => Promise<unknown>,
): Promise<void> {
  const error = await ask().then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ApiError) || !statuses.includes(error.status)) {
    throw new Error(`expected ${statuses.join(' or ')}, but: ${String(error)}`)
  }
}
