// One picture: what is known of it, its thumbnail, its file, and forgetting it.
import { createRoute, z } from '@hono/zod-openapi'
import { needs } from './callers.ts'
import type { Api, ApiContext } from './context.ts'
import { ImageDetail, ThumbnailQuery } from './contract.ts'
import { toImage } from './present.ts'
import { answers, at, errors, IdParams } from './route.ts'
import { sendFile } from './send-file.ts'

const image = createRoute({
  ...at('image'),
  summary: 'Everything that is known about a picture',
  middleware: [needs('read')],
  request: { params: IdParams },
  responses: { 200: answers(ImageDetail, 'The picture'), ...errors(404) },
})

const thumbnail = createRoute({
  ...at('thumbnail'),
  summary: 'A WebP that fits into a square; it never changes',
  middleware: [needs('read')],
  request: { params: IdParams, query: ThumbnailQuery },
  responses: {
    200: { description: 'The thumbnail', content: { 'image/webp': { schema: z.string() } } },
    304: { description: 'The caller has it' },
    ...errors(404, 409, 413, 415, 422),
  },
})

const file = createRoute({
  ...at('file'),
  summary: 'The file itself, whole or a range of it',
  middleware: [needs('read')],
  request: { params: IdParams },
  responses: {
    200: { description: 'The file', content: { 'image/*': { schema: z.string() } } },
    206: { description: 'A range of it', content: { 'image/*': { schema: z.string() } } },
    304: { description: 'The caller has it' },
    ...errors(404, 409, 416),
  },
})

const forgetImage = createRoute({
  ...at('forgetImage'),
  summary:
    'Forget a picture; its file stays, and is found again when its folder is indexed. One that was ' +
    'drawn here or uploaded is deleted',
  middleware: [needs('write')],
  request: { params: IdParams },
  responses: { 204: { description: 'Forgotten' }, ...errors(404) },
})

/** For the types of the client. */
export const imageRoutes = { image, thumbnail, file, forgetImage }

/** Adds the routes of single pictures. */
export function mountImages(app: Api, { lucida: { gallery } }: ApiContext): void {
  app.openapi(image, async (c) => {
    const { id } = c.req.valid('param')
    const found = await gallery.find(id)
    const { addedAt, ...rest } = found
    const record = (await gallery.record(id)) as ImageDetail['record']
    return c.json({ ...rest, ...toImage(found), addedAt: addedAt.toISOString(), record }, 200)
  })

  app.openapi(thumbnail, async (c) => {
    const { id } = c.req.valid('param')
    const { size } = c.req.valid('query')
    const etag = `"${id}-${size}"`
    const headers = { etag, 'cache-control': 'private, max-age=31536000, immutable' }
    if (isNamed(c.req.header('if-none-match'), etag)) {
      await gallery.find(id)
      return c.body(null, 304, headers)
    }
    const webp = await gallery.thumbnail(id, size)
    return c.body(webp, 200, { ...headers, 'content-type': 'image/webp' })
  })

  app.openapi(file, async (c) => {
    const { id } = c.req.valid('param')
    const etag = `"${id}"`
    if (isNamed(c.req.header('if-none-match'), etag)) {
      await gallery.find(id)
      return c.body(null, 304, { etag })
    }
    const ifRange = c.req.header('if-range')
    const range = ifRange === undefined || ifRange === etag ? c.req.header('range') : undefined
    return sendFile(await gallery.openFile(id), { method: c.req.method, range, etag })
  })

  app.openapi(forgetImage, async (c) => {
    await gallery.forget(c.req.valid('param').id)
    return c.body(null, 204)
  })
}

/** Whether an If-None-Match header names this entity tag (RFC 9110, section 13.1.2). */
function isNamed(header: string | undefined, etag: string): boolean {
  const tags = (header ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes(etag) || header?.trim() === '*'
}
