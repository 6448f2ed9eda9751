// The program as an earlier version had it: its files from git, with the packages of today.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

/** What a release is where it has no tag. */
export const RELEASES: Readonly<Record<string, string>> = {
  'v0.1.0': '670efe4',
  'v0.2.0': '3bdca7f',
  'v0.3.0': 'b21b462',
  'v0.3.1': '1c8f15f',
}

/** A folder with the program's files, until it is disposed of. */
export interface EarlierVersion extends AsyncDisposable {
  readonly folder: string
  readonly commit: string
}

/** Throws where git does not know the release. */
export async function checkOut(release: string): Promise<EarlierVersion> {
  const git = (...args: string[]) => run('git', ['-C', REPOSITORY, ...args])
  const { stdout } = await git('rev-parse', '--verify', `${release}^{commit}`).catch(() =>
    git('rev-parse', '--verify', `${RELEASES[release] ?? release}^{commit}`),
  )
  const commit = stdout.trim()
  const folder = await mkdtemp(join(tmpdir(), 'lucida-release-'))
  await git('worktree', 'add', '--detach', '--force', folder, commit)
  await symlink(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'), 'dir')
  return {
    folder,
    commit,
    async [Symbol.asyncDispose]() {
      await git('worktree', 'remove', '--force', folder)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Builds it as a release is built. */
export async function build(folder: string): Promise<void> {
  await run('npm', ['run', '--silent', 'build'], { cwd: folder, maxBuffer: 1e8 })
}
