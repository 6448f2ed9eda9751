// OpenAI's own client against a server that listens, with a painter that does what the test says.
import OpenAI, {
  APIError,
  AuthenticationError,
  BadRequestError,
  PermissionDeniedError,
  toFile,
} from 'openai'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createApi, type OpenApi } from '../../src/api/app.ts'
import { type RunningServer, startServer } from '../../src/api/server.ts'
import { fromXmp } from '../../src/generate/provenance.ts'
import { openPicture } from '../../src/pictures/open-picture.ts'
import { openTestApi, type TestApi } from '../helpers/api.ts'
import { describeDatabase, type TestPlace } from '../helpers/database.ts'
import { useFakePainter } from '../helpers/fake-painter.ts'
import { drawPicture, makeBrokenPicture } from '../helpers/noise-pictures.ts'
import { until } from '../helpers/until.ts'

const painter = useFakePainter()

describeDatabase("OpenAI's client", (newPlace) => {
  let place: TestPlace
  let api: TestApi
  let server: RunningServer
  let client: OpenAI
  /** That no client has caused, and that are told to the log. */
  const logged: unknown[] = []

  beforeAll(async () => {
    place = await newPlace()
    api = await openTestApi(place, { api: { onError: (error) => logged.push(error) } })
    server = await startServer(api.api, { host: '127.0.0.1', port: 0 })
    client = clientOf(server)
  })
  afterEach(() => painter.reset())
  afterAll(async () => {
    await server.close()
    expect(logged).toEqual([])
    await api[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
  })

  const clientOf = ({ url }: RunningServer, apiKey = 'none') =>
    new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 })
  const bytesOf = (images: OpenAI.ImagesResponse) =>
    images.data!.map(({ b64_json }) => Buffer.from(b64_json!, 'base64'))
  const recordOf = async (bytes: Uint8Array) => fromXmp((await openPicture(bytes)).xmp)
  const thrownBy = async (promise: Promise<unknown>): Promise<APIError> => {
    const error: unknown = await promise.then(
      () => null,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(APIError)
    return error as APIError
  }
  const red = async () => toFile(await drawPicture('#c81414'), 'red.png', { type: 'image/png' })

  test('draws what a text says', async () => {
    const images = await client.images.generate({ model: 'lucida', prompt: 'a red dog', n: 2 })
    expect(Math.abs(images.created - Date.now() / 1000)).toBeLessThan(60)
    const pictures = bytesOf(images)
    expect(pictures).toHaveLength(2)
    for (const picture of pictures) {
      expect(await sharp(picture).metadata()).toMatchObject({
        format: 'png',
        width: 96,
        height: 96,
      })
      expect(await recordOf(picture)).toMatchObject({ idea: { text: 'a red dog' } })
    }
    expect(await api.json('/v1/search?text=a+red+dog&generated=only')).toMatchObject({ items: [] })
  })

  test.each([
    ['256x256', 256, 256],
    ['auto', 96, 96],
    ['1536x1024', 1536, 1024],
  ] as const)('in the size %s', async (size, width, height) => {
    const [picture] = bytesOf(await client.images.generate({ prompt: 'a tree', size }))
    expect(await sharp(picture).metadata()).toMatchObject({ width, height })
  })

  test.each(['png', 'jpeg', 'webp'] as const)('as %s, with its marks', async (format) => {
    const asked = { prompt: 'a tree', output_format: format, output_compression: 80 } as const
    const [picture] = bytesOf(await client.images.generate(asked))
    expect((await sharp(picture).metadata()).format).toBe(format)
    expect(await recordOf(picture!)).toMatchObject({ idea: { text: 'a tree' } })
  })

  test('with a seed, the same picture', async () => {
    const draw = async () => {
      const [picture] = bytesOf(
        await client.images.generate({
          prompt: 'a tree',
          seed: 3,
        } as OpenAI.ImageGenerateParamsNonStreaming),
      )
      return picture!
    }
    expect((await draw()).equals(await draw())).toBe(true)
  })

  test('at an address, for the models whose clients expect one', async () => {
    const images = await client.images.generate({
      model: 'dall-e-3',
      prompt: 'a tree',
      quality: 'hd',
      style: 'vivid',
    })
    const { url, b64_json } = images.data![0]!
    expect(b64_json).toBeUndefined()
    const answer = await fetch(url!)
    expect(await recordOf(new Uint8Array(await answer.arrayBuffer()))).not.toBeNull()
    const asked = await client.images.generate({ prompt: 'a tree', response_format: 'url' })
    expect(new URL(asked.data![0]!.url!).origin).toBe(server.url)
  })

  test('changes a picture, beginning with it', async () => {
    const [picture] = bytesOf(await client.images.edit({ image: await red(), prompt: 'snow' }))
    const [order] = painter.orders
    expect(order!.condition).toHaveProperty('embedding')
    expect(order!.start!.picture).toMatchObject({ widthPx: 96, heightPx: 96 })
    expect(order!.start!.mask).toBeUndefined()
    expect(await recordOf(picture!)).toMatchObject({
      idea: { to: 'snow', change: { picture: expect.stringMatching(/^[0-9a-f]{64}$/) as string } },
      start: { strength: 0.6 },
    })
  })

  test('changes what is transparent in a mask', async () => {
    const hole = '<rect width="96" height="96" fill="#000"/>'
    const mask = await sharp(await drawPicture('#fff', hole))
      .ensureAlpha()
      .composite([
        {
          input: { create: { width: 48, height: 96, channels: 4, background: '#000' } },
          left: 0,
          top: 0,
          blend: 'dest-out',
        },
      ])
      .png()
      .toBuffer()
    await client.images.edit({
      image: [await red()],
      mask: await toFile(mask, 'mask.png', { type: 'image/png' }),
      prompt: 'snow',
      n: 2,
    })
    const [order] = painter.orders
    expect(order!.seeds).toHaveLength(2)
    expect(order!.start).toMatchObject({ strength: 1 })
    const rows = order!.start!.mask!
    expect([rows[0], rows[47], rows[48], rows[95]]).toEqual([255, 255, 0, 0])
  })

  test('varies a picture', async () => {
    const images = await client.images.createVariation({
      image: await red(),
      n: 2,
      size: '256x256',
    })
    const { url } = images.data![0]!
    expect(url).toBeUndefined()
    const [picture] = bytesOf(images)
    expect(await sharp(picture).metadata()).toMatchObject({ width: 256, height: 256 })
    expect(painter.orders[0]).toMatchObject({ variation: 0.3 })
    expect(painter.orders[0]!.start).toBeUndefined()
  })

  describe('is told in its own words', () => {
    const generate = (params: object) =>
      thrownBy(client.images.generate(params as OpenAI.ImageGenerateParamsNonStreaming))

    test.each<[string, object, string]>([
      ['no prompt', {}, 'prompt'],
      ['an empty prompt', { prompt: '' }, 'prompt'],
      ['10,000 words', { prompt: 'word '.repeat(10_000) }, 'prompt'],
      ['no pictures', { prompt: 'a', n: 0 }, 'n'],
      ['too many pictures', { prompt: 'a', n: 11 }, 'n'],
      ['an unknown size', { prompt: 'a', size: 'large' }, 'size'],
      ['a size of nothing', { prompt: 'a', size: '0x0' }, 'size'],
      ['a huge size', { prompt: 'a', size: '9999x9999' }, 'size'],
      ['transparency', { prompt: 'a', background: 'transparent' }, 'background'],
      ['an unknown format', { prompt: 'a', output_format: 'gif' }, 'output_format'],
      [
        'an address of a JPEG',
        { prompt: 'a', output_format: 'jpeg', response_format: 'url' },
        'output_format',
      ],
      ['a negative seed', { prompt: 'a', seed: -1 }, 'seed'],
    ])('about %s', async (_, params, param) => {
      const error = await generate(params)
      expect(error).toBeInstanceOf(BadRequestError)
      expect(error).toMatchObject({
        status: 400,
        type: 'invalid_request_error',
        param,
        code: 'bad_input',
      })
      expect(painter.orders).toHaveLength(0)
    })

    test('about streaming', async () => {
      const error = await thrownBy(
        client.images.generate({
          prompt: 'a',
          stream: true,
          partial_images: 1,
        }),
      )
      expect(error).toMatchObject({ status: 400, param: 'stream' })
    })

    test('about pictures that are none, or damaged, or missing', async () => {
      const edit = async (bytes: Uint8Array) =>
        thrownBy(client.images.edit({ image: await toFile(bytes, 'a.png'), prompt: 'snow' }))
      expect(await edit(Buffer.from('no picture'))).toMatchObject({ status: 415 })
      expect(await edit(await makeBrokenPicture(1))).toMatchObject({
        status: 422,
        code: 'corrupt_image',
      })
      const form = new FormData()
      form.append('prompt', 'snow')
      const answer = await fetch(`${server.url}/v1/images/edits`, { method: 'POST', body: form })
      expect(answer.status).toBe(400)
      expect(await answer.json()).toMatchObject({ error: { param: 'image' } })
      const two = thrownBy(
        client.images.edit({ image: [await red(), await red()], prompt: 'snow' }),
      )
      expect(await two).toMatchObject({ status: 400 })
    })

    test('about a mask of another shape', async () => {
      const wide = await sharp(await drawPicture('#fff'))
        .resize(96, 48, { fit: 'fill' })
        .png()
        .toBuffer()
      const mask = await toFile(wide, 'mask.png')
      const error = await thrownBy(client.images.edit({ image: await red(), mask, prompt: 'snow' }))
      expect(error).toMatchObject({
        status: 400,
        message: expect.stringContaining('mask') as string,
      })
    })

    test('about a drawing that fails', async () => {
      painter.paint = () => {
        throw new Error('out of paint')
      }
      const error = await generate({ prompt: 'a tree' })
      expect(error).toMatchObject({ status: 500, type: 'server_error', code: 'internal' })
      expect(logged.splice(0)).toMatchObject([{ message: 'out of paint' }])
    })

    test('about keys, which are sent as its own are', async () => {
      const { key, id } = await api.lucida.keys.create({ name: 'painter', scope: 'write' })
      const reader = await api.lucida.keys.create({ name: 'reader', scope: 'read' })
      await using keyed = await listening(createApi(api.lucida))
      const wrong = await thrownBy(
        clientOf(keyed.server, 'sk-wrong').images.generate({ prompt: 'a' }),
      )
      expect(wrong).toBeInstanceOf(AuthenticationError)
      expect(wrong).toMatchObject({ type: 'authentication_error', code: 'unauthorized' })
      const may = await thrownBy(
        clientOf(keyed.server, reader.key).images.generate({ prompt: 'a' }),
      )
      expect(may).toBeInstanceOf(PermissionDeniedError)
      const images = await clientOf(keyed.server, key).images.generate({ prompt: 'a' })
      expect(images.data).toHaveLength(1)
      await api.lucida.keys.revoke(id)
      await api.lucida.keys.revoke(reader.id)
    })
  })

  test('that goes away ends the drawing, and the next is drawn', async () => {
    painter.hold()
    const gone = new AbortController()
    const drawing = client.images.generate({ prompt: 'fog', n: 3 }, { signal: gone.signal })
    const ended = drawing.then(
      () => 'drawn',
      () => 'gone',
    )
    await until(() => painter.active === 1)
    gone.abort()
    expect(await ended).toBe('gone')
    await until(
      async () => painter.active === 0 && (await api.api.generations.countPending()) === 0,
    )
    painter.reset()
    expect((await client.images.generate({ prompt: 'fog' })).data).toHaveLength(1)
  })

  test('may wait longer than connections are otherwise left without a word', async () => {
    const gate = painter.hold()
    const patience = { headersMs: 10_000, requestMs: 10_000, idleMs: 300 }
    await using other = await listening(createApi(api.lucida), patience)
    const drawing = clientOf(other.server).images.generate({ prompt: 'slow' })
    await until(() => painter.active === 1)
    await new Promise((resolve) => setTimeout(resolve, 1000))
    gate.open()
    expect((await drawing).data).toHaveLength(1)
  })
})

async function listening(
  api: OpenApi,
  patience?: { headersMs: number; requestMs: number; idleMs: number },
) {
  const server = await startServer(api, {
    host: '127.0.0.1',
    port: 0,
    ...(patience && { patience }),
  })
  return { server, [Symbol.asyncDispose]: () => server.close() }
}
