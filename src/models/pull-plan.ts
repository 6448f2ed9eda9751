// What a pull is going to bring: each file as the hub describes it, all of one commit.
import pMap from 'p-map'
import { LucidaError } from '../core/errors.ts'
import { describeFile, type Hub, type HubPath, listFolder, type RemoteFile } from './hub.ts'

/** Metadata is asked for side by side; the files themselves one by one, the network is the limit. */
const ASKED_AT_ONCE = 4

/**
 * A file to be brought, and what is known of it beforehand. A path with a slash at its end stands for
 * every file that lies in that folder of the repository itself.
 */
export interface WantedFile extends HubPath {
  /** Path below the folder; ends as `path` does. */
  readonly to: string
  readonly sizeBytes?: number
  readonly sha256?: string
}

/** What the hub says of all files, and the commits that their revisions stand for. */
export interface DescribedFiles {
  readonly files: readonly { readonly remote: RemoteFile; readonly to: string }[]
  readonly commits: Readonly<Record<string, string>>
}

/** A branch may move during a pull, so the first file of a repository says which commit is meant. */
export async function describeFiles(
  hub: Hub,
  wanted: readonly WantedFile[],
  signal: AbortSignal,
): Promise<DescribedFiles> {
  const commits: Record<string, string> = {}
  const repositories = [...new Set(wanted.map(({ repository }) => repository))]
  const files: { remote: RemoteFile; to: string }[] = []
  for (const repository of repositories) {
    const [first, ...rest] = wanted.filter((file) => file.repository === repository)
    const remote = await describeOne(hub, first!, signal)
    commits[repository] = remote.revision
    files.push({ remote, to: first!.to })
    const { revision } = remote
    const named = await Promise.all(rest.map((file) => filesOf(hub, { ...file, revision }, signal)))
    const listed = named.flat().filter(({ path }) => path !== first!.path)
    const others = await pMap(
      // Of a file that is both named and listed, more may be known where it is named.
      new Map(listed.reverse().map((one) => [one.path, one])).values(),
      async (file) => ({ remote: await describeOne(hub, file, signal), to: file.to }),
      { concurrency: ASKED_AT_ONCE },
    )
    files.push(...others)
  }
  return { files, commits }
}

/** The file itself, or the files of a folder. */
async function filesOf(hub: Hub, file: WantedFile, signal: AbortSignal): Promise<WantedFile[]> {
  if (!file.path.endsWith('/')) return [file]
  const paths = await listFolder(hub, file, signal)
  return paths
    .filter((path) => path.startsWith(file.path) && !path.slice(file.path.length).includes('/'))
    .map((path) => ({ ...file, path, to: `${file.to}${path.slice(file.path.length)}` }))
}

/** What is known beforehand must be what the hub says. */
async function describeOne(hub: Hub, file: WantedFile, signal: AbortSignal): Promise<RemoteFile> {
  const { repository, revision, path, sizeBytes, sha256 } = file
  const remote = await describeFile(hub, { repository, revision, path }, signal)
  const known = 'sha256' in remote.digest ? remote.digest.sha256 : undefined
  if (
    (sizeBytes !== undefined && remote.sizeBytes !== sizeBytes) ||
    (sha256 !== undefined && known !== undefined && known !== sha256)
  ) {
    throw new LucidaError(
      'checksum_mismatch',
      `${path} of ${repository} is another file on ${new URL(hub.endpoint).host} than the one that is known; check HF_ENDPOINT`,
    )
  }
  return sha256 === undefined ? remote : { ...remote, digest: { sha256 } }
}
