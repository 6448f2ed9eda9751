// The contract of uploads.
import { z } from '@hono/zod-openapi'

/** Form of `POST /v1/images`. */
export const UploadForm = z.object({
  image: z
    .custom<File>((value) => value instanceof File, 'Expected one picture file')
    .openapi({ type: 'string', format: 'binary' }),
})
