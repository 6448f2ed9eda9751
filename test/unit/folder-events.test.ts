// The system's file events, and what is said when it gives none. The real ones are in watch.test.ts.
import { watch } from 'node:fs'
import { afterEach, expect, test, vi } from 'vitest'
import { isRemote, openFolderEvents } from '../../src/indexer/folder-events.ts'
import { newFolder } from '../helpers/picture-folder.ts'

vi.mock('node:fs', { spy: true })

afterEach(() => {
  vi.mocked(watch).mockReset()
})

function refuse(code: string): void {
  vi.mocked(watch).mockImplementation(() => {
    throw Object.assign(new Error(`${code}: no, watch '/photos'`), { code })
  })
}

test.each([
  ['ENOSPC', 'the system watches no more folders (fs.inotify.max_user_watches)'],
  ['EMFILE', 'the system has no more watchers (fs.inotify.max_user_instances)'],
  ['ENOSYS', 'ENOSYS: no'],
])('%s means that no event can be relied on', (code, reason) => {
  refuse(code)
  const onFailure = vi.fn()
  openFolderEvents('/photos', { onChange: () => {}, onFailure }).add('/photos')
  expect(onFailure.mock.calls).toEqual([[reason]])
})

test.each(['ENOENT', 'EACCES'])('%s is found out by the look itself', (code) => {
  refuse(code)
  const onFailure = vi.fn()
  const events = openFolderEvents('/photos', { onChange: () => {}, onFailure })
  events.startLook()
  events.add('/photos')
  events.endLook('/photos')
  events.close()
  expect(onFailure).not.toHaveBeenCalled()
})

test('a folder on this machine is not remote, and neither is one that is missing', async () => {
  await using folder = await newFolder()
  expect(await isRemote(folder.path)).toBe(false)
  expect(await isRemote(folder.at('missing'))).toBe(false)
})
