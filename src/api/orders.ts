// Orders to draw as clients write them -> as drawing takes them.
import { LucidaError } from '../core/errors.ts'
import type { GenerateOptions, Idea, SearchTerm } from '../lucida.ts'
import type { ApiContext } from './context.ts'
import type { PictureSource, Term } from './contract.ts'
import type { GenerationRequest } from './generation-contract.ts'
import { MAX_UPLOAD_BYTES } from './limits.ts'
import { type Asking, decodePicture, readTerms } from './terms.ts'

/** Decodes and fetches what the order points at. Throws what `readTerms` throws. */
export async function readOrder(
  context: ApiContext,
  body: GenerationRequest,
  asking: Asking,
): Promise<GenerateOptions> {
  const { avoid, candidates, seed, steps, guidance, variation, start, size, rounds, keep } = body
  const how = { avoid, candidates, seed, steps, guidance, variation, size, rounds, keep }
  const read = (terms: readonly (Term | PictureSource)[], field: string) =>
    readTerms(context, terms, field, asking)
  return {
    ...how,
    idea: await readIdea(body, read),
    ...(start && {
      start: {
        picture: await readStart(context, start.image, read),
        strength: start.strength,
        mask: start.mask === undefined ? undefined : decodePicture(start.mask, 'start.mask'),
      },
    }),
  }
}

type Read = (terms: readonly (Term | PictureSource)[], field: string) => Promise<SearchTerm[]>

async function readIdea(body: GenerationRequest, read: Read): Promise<Idea> {
  if ('text' in body) return { text: body.text }
  if ('terms' in body) return { mix: await read(body.terms, 'terms') }
  if ('hitsOf' in body) return { hitsOf: await read(body.hitsOf, 'hitsOf'), count: body.count }
  if ('between' in body) {
    const [first, second] = await read(body.between, 'between')
    return { between: [first!, second!], at: body.at }
  }
  const [change] = await read([body.change], 'change')
  return { change: change!, to: body.to, from: body.from, by: body.by }
}

/** Drawing begins with pixels, so an indexed picture is read from its file. */
async function readStart(
  { lucida }: ApiContext,
  image: PictureSource,
  read: Read,
): Promise<SearchTerm> {
  if (!('id' in image)) return (await read([image], 'start.image'))[0]!
  const file = await lucida.gallery.openFile(image.id)
  try {
    if (file.sizeBytes > MAX_UPLOAD_BYTES) {
      const message = `start.image: Expected a file of at most ${MAX_UPLOAD_BYTES / 1e6} MB`
      throw new LucidaError('too_large', message)
    }
    return { picture: await file.bytes(), pathHint: file.path }
  } finally {
    await file.close()
  }
}
