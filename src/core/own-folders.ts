// Where Lucida keeps what lies nowhere else: what it draws, and what is handed over to it.
import { placeIn } from './place.ts'

export const OWN_FOLDERS = ['drawn', 'uploads'] as const

/** Where they lie; as in the settings. */
export interface OwnHomes {
  readonly dataDir: string
  readonly storage?: string | undefined
}

/** One of the folders, as the settings place it; a bucket may hold it. */
export function ownFolder(
  name: (typeof OWN_FOLDERS)[number],
  { dataDir, storage = dataDir }: OwnHomes,
): string {
  return placeIn(storage, name)
}
