// Duplicates as callers see them: groups of pictures, each with the tier that it belongs to.
import type { Picture } from './answer.ts'
import type { Gallery } from './gallery.ts'
import type { DuplicateKind, DuplicateOptions, FindDuplicates } from './search/duplicates.ts'

/** Pictures that belong together; of an exact group one, which lies at several places. */
export interface PictureGroup {
  readonly kind: DuplicateKind
  readonly pictures: readonly {
    readonly picture: Picture
    /** To the first of the group: see `DuplicateGroup`. */
    readonly similarity: number
  }[]
}

/** Part of the groups of one tier. */
export interface PictureGroupPage {
  readonly groups: readonly PictureGroup[]
  /** Pass as `after` for what follows, which may be set beside few or no groups; `null` at the end. */
  readonly next: string | null
}

/** Finds a page of groups. */
export type FindPictureGroups = (
  kind: DuplicateKind,
  options: DuplicateOptions,
) => Promise<PictureGroupPage>

/** Brings the pictures to what `find` finds. */
export function openPictureGroups(
  find: FindDuplicates,
  gallery: Pick<Gallery, 'findSome'>,
): FindPictureGroups {
  return async (kind, options) => {
    const { groups, next } = await find(kind, options)
    const all = groups.flatMap(({ contents }) => contents)
    const known = await gallery.findSome([...new Set(all)])
    return {
      groups: groups.flatMap(({ contents, similarity }) => {
        const pictures = contents.flatMap((id, i) => {
          const picture = known.get(id)
          return picture ? [{ picture, similarity: similarity[i]! }] : []
        })
        // What has gone meanwhile may leave a picture alone.
        return kind !== 'exact' && pictures.length < 2 ? [] : [{ kind, pictures }]
      }),
      next,
    }
  }
}
