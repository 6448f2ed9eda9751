// What the program knows, in the shapes of the contract.
import { parseConceptFilter } from '../core/concept-name.ts'
import type { Picture, RootSummary, SearchAnswer } from '../lucida.ts'
import type { Filter, FilterQuery, Image, Root, SearchResponse } from './contract.ts'

export function toImage(picture: Picture): Image {
  const { id, path, paths, width, height, takenAt, generated, thumbHash } = picture
  return {
    id,
    path,
    paths: [...paths],
    width,
    height,
    takenAt,
    generated,
    thumbHash: thumbHash && Buffer.from(thumbHash).toString('base64'),
  }
}

export function toSearchResponse(answer: SearchAnswer): SearchResponse {
  const { results, nextCursor, model, tookMs, matching, searched, ...rest } = answer
  const { relevanceThreshold, adjusted, leftOut } = rest
  return {
    items: results.map(({ score, relevance, ...picture }) => ({
      image: toImage(picture),
      safety: [...(picture.safety ?? [])],
      score,
      relevance,
    })),
    nextCursor,
    model,
    tookMs,
    matching,
    searched,
    relevanceThreshold,
    adjusted,
    leftOut,
    generation: null,
  }
}

export function toRoot({ addedAt, indexedAt, exclude, ...root }: RootSummary): Root {
  return {
    ...root,
    exclude: [...exclude],
    addedAt: addedAt.toISOString(),
    indexedAt: indexedAt?.toISOString() ?? null,
  }
}

/** The conditions of a query string, as in a body. */
export function filterOf(query: FilterQuery): Filter {
  const { format, near, box, gps, concept, ...same } = query
  const [latitude, longitude, radiusKm] = near ?? []
  const [south, west, north, east] = box ?? []
  return {
    ...pick(same, ['root', 'folder', 'after', 'before', 'camera', 'lens', 'orientation']),
    ...pick(same, ['minWidth', 'minHeight', 'generated']),
    ...(format !== undefined && { format: format.split(',') }),
    ...(near && { near: { latitude: latitude!, longitude: longitude!, radiusKm: radiusKm! } }),
    ...(box && { box: { south: south!, west: west!, north: north!, east: east! } }),
    ...(gps !== undefined && { gps: gps === 'true' }),
    ...(concept !== undefined && { concept: parseConceptFilter(concept)! }),
  }
}

function pick<T extends object, K extends keyof T>(
  from: T,
  keys: readonly K[],
): Partial<Pick<T, K>> {
  const chosen: Partial<Pick<T, K>> = {}
  for (const key of keys) if (from[key] !== undefined) chosen[key] = from[key]
  return chosen
}
