// Takes in a picture that is handed over.
import { createRoute } from '@hono/zod-openapi'
import { needs } from './callers.ts'
import type { Api, ApiContext } from './context.ts'
import { Image } from './contract.ts'
import { readForm } from './multipart.ts'
import { toImage } from './present.ts'
import { answers, at, errors } from './route.ts'
import { UploadForm } from './upload-contract.ts'

const uploadImage = createRoute({
  ...at('uploadImage'),
  summary: 'Put a picture into the collection; it is found as soon as this is answered',
  middleware: [needs('write'), readForm],
  request: {
    body: { required: true, content: { 'multipart/form-data': { schema: UploadForm } } },
  },
  responses: {
    200: answers(Image, 'The same bytes had been uploaded before'),
    201: answers(Image, 'The picture as it is in the collection now'),
    ...errors(413, 415, 422, 507),
  },
})

/** For the types of the client. */
export const uploadRoutes = { uploadImage }

/** Adds the route that takes pictures in. */
export function mountUploads(app: Api, { lucida }: ApiContext): void {
  app.openapi(uploadImage, async (c) => {
    const { image } = c.req.valid('form')
    const bytes = new Uint8Array(await image.arrayBuffer())
    const { id, isNew } = await lucida.uploads.add(bytes, image.name)
    return c.json(toImage(await lucida.gallery.find(id)), isNew ? 201 : 200)
  })
}
