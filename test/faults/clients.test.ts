// The clients of a run of faults: what they are told, and what nobody should be told.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { hashOf } from '../helpers/shared-store.ts'
import type { Album } from './album.ts'
import { openClients } from './clients.ts'

describe('clients', () => {
  const picture = (id: string, score: number) => ({ image: { id }, score })
  const [a, b] = [hashOf('a'), hashOf('b')]

  test.each([
    ['a picture that there never was', 200, { items: [picture(hashOf('c'), 1)] }, 'never made'],
    ['a picture twice', 200, { items: [picture(a, 1), picture(a, 1)] }, 'twice'],
    ['a wrong order', 200, { items: [picture(a, 0.1), picture(b, 0.2)] }, 'not in order'],
    ['an error without a code', 502, 'Bad gateway', '502'],
    ['an error that says nothing', 500, { error: { code: 'internal', message: '?' } }, '500'],
  ])('notice %s', async (_, status, answer, said) => {
    const server = createServer((_request, response) => {
      response.writeHead(status).end(JSON.stringify(answer))
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    try {
      const { port } = server.address() as AddressInfo
      const album = { everMade: new Set([a, b]) } as unknown as Album
      const clients = openClients(`http://127.0.0.1:${port}`, album)
      await clients.search('anything', 10)
      expect(clients.tally.violations.join()).toContain(said)
    } finally {
      server.close()
    }
  })
})
