import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { claimDirectory } from '../../src/store/owner.ts'

const CHILD = fileURLToPath(new URL('../helpers/owner-child.ts', import.meta.url))
const unix = test.skipIf(process.platform === 'win32')
let directory: string
let children: Child[] = []

/** A child process with one answer per line sent. */
interface Child {
  readonly process: ChildProcess
  say(line: string): Promise<string>
  end(signal: NodeJS.Signals): Promise<void>
}

async function startChild(target: string): Promise<Child> {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, target], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => ((await lines.next()) as { value: string }).value
  const started: Child = {
    process: child,
    say(line) {
      child.stdin.write(`${line}\n`)
      return next()
    },
    async end(signal) {
      child.kill(signal)
      await exited
    },
  }
  children.push(started)
  expect(await next()).toBe('ready')
  return started
}

/** Leaves a socket behind to which nobody listens any more. */
async function leaveStaleSocket(): Promise<void> {
  const owner = await startChild(directory)
  expect(await owner.say('claim')).toBe('owner')
  await owner.end('SIGKILL')
}

beforeEach(() => {
  // Short enough for a socket even where the system's temporary directory has a long name.
  const parent = process.platform === 'win32' ? tmpdir() : '/tmp'
  directory = realpathSync(mkdtempSync(join(parent, 'owner-')))
})

afterEach(async () => {
  await Promise.all(children.map((child) => child.end('SIGKILL')))
  children = []
  rmSync(directory, { recursive: true })
})

test('a second claim in the same process is busy', async () => {
  const owner = await claimDirectory(directory)
  await expect(claimDirectory(directory)).rejects.toMatchObject({
    code: 'database_busy',
    message: `The data directory ${directory} is in use by process ${process.pid}; wait for it to finish, or choose another with --data-dir`,
  })
  await owner.release()
})

test('a released directory can be claimed again and holds nothing of ours', async () => {
  const first = await claimDirectory(directory)
  await first.release()
  await first.release()
  expect(readdirSync(directory)).toEqual([])
  const second = await claimDirectory(directory)
  // The first owner's second release must not take the second owner's socket away.
  await first.release()
  await expect(claimDirectory(directory)).rejects.toMatchObject({ code: 'database_busy' })
  await second.release()
})

test('a missing directory is created, one that cannot be is named', async () => {
  const owner = await claimDirectory(join(directory, 'a', 'b'))
  await owner.release()
  await expect(claimDirectory(join(CHILD, 'data'))).rejects.toMatchObject({
    code: 'database_unavailable',
    message: expect.stringContaining(join(CHILD, 'data')),
  })
})

test('two directories have two owners', async () => {
  mkdirSync(join(directory, 'other'))
  const owners = await Promise.all([directory, join(directory, 'other')].map(claimDirectory))
  await Promise.all(owners.map((owner) => owner.release()))
})

test('a claim from another process is busy and names the owner', async () => {
  const child = await startChild(directory)
  expect(await child.say('claim')).toBe('owner')
  await expect(claimDirectory(directory)).rejects.toMatchObject({
    code: 'database_busy',
    message: expect.stringContaining(`process ${child.process.pid};`),
  })
  expect(await child.say('release')).toBe('released')
  const owner = await claimDirectory(directory)
  expect(await child.say('claim')).toMatch(`database_busy`)
  await owner.release()
})

test('an owner does not stay alive for its socket', async () => {
  const child = await startChild(directory)
  expect(await child.say('claim')).toBe('owner')
  child.process.stdin!.end()
  expect(await once(child.process, 'exit')).toEqual([0, null])
})

test('the directory of a killed owner can be claimed', async () => {
  await leaveStaleSocket()
  const owner = await claimDirectory(directory)
  await expect(claimDirectory(directory)).rejects.toMatchObject({ code: 'database_busy' })
  await owner.release()
})

unix('the socket is for the owner alone and says who it is', async () => {
  const owner = await claimDirectory(directory)
  expect(readdirSync(directory)).toEqual(['owner.sock'])
  const path = join(directory, 'owner.sock')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  const [line] = await once(connect(path).setEncoding('utf8'), 'data')
  expect(line).toBe(`${process.pid}\n`)
  await owner.release()
})

unix('what killed claimants left behind is removed, what may be alive is not', async () => {
  const [published, old, young] = [
    'owner-0123456789ab.sock',
    'owner-0123456789ab.new',
    'owner-ba9876543210.new',
  ]
  for (const name of [published, old, young]) writeFileSync(join(directory, name), '')
  utimesSync(join(directory, old), new Date(0), new Date(0))
  const owner = await claimDirectory(directory)
  expect(readdirSync(directory).sort()).toEqual([young, 'owner.sock'])
  await owner.release()
})

unix('a stopped owner is busy, although it does not answer', async () => {
  const child = await startChild(directory)
  expect(await child.say('claim')).toBe('owner')
  child.process.kill('SIGSTOP')
  await expect(claimDirectory(directory)).rejects.toMatchObject({
    code: 'database_busy',
    message: expect.stringContaining('another process'),
  })
})

unix('an owner that hangs up without a word is busy', async () => {
  const server = createServer((socket) => socket.destroy()).listen(join(directory, 'owner.sock'))
  await once(server, 'listening')
  await expect(claimDirectory(directory)).rejects.toMatchObject({ code: 'database_busy' })
  await new Promise((resolve) => server.close(resolve))
})

unix('a directory with a long name has its owner too', async () => {
  const long = join(directory, 'long'.repeat(30))
  const owner = await claimDirectory(long)
  expect(readdirSync(long)).toEqual([])
  await expect(claimDirectory(long)).rejects.toMatchObject({ code: 'database_busy' })
  await owner.release()
  await (await claimDirectory(long)).release()
})

test('claims racing for a stale socket in one process: exactly one wins', async () => {
  await leaveStaleSocket()
  for (let round = 0; round < 10; round++) {
    const claims = await Promise.allSettled(
      Array.from({ length: 10 }, () => claimDirectory(directory)),
    )
    const owners = claims.flatMap((claim) => (claim.status === 'fulfilled' ? [claim.value] : []))
    expect(owners).toHaveLength(1)
    for (const claim of claims) {
      if (claim.status === 'rejected') expect(claim.reason).toMatchObject({ code: 'database_busy' })
    }
    await owners[0]!.release()
  }
  expect(readdirSync(directory)).toEqual([])
})

test('ten processes racing for a stale socket: exactly one wins', async () => {
  await leaveStaleSocket()
  const racers = await Promise.all(Array.from({ length: 10 }, () => startChild(directory)))
  for (let round = 0; round < 5; round++) {
    const answers = await Promise.all(racers.map((racer) => racer.say('claim')))
    const winner = answers.indexOf('owner')
    const { pid } = racers[winner]!.process
    expect(answers.filter((answer) => answer === 'owner')).toHaveLength(1)
    for (const answer of answers) expect(answer).toMatch(/^owner$|^database_busy /)
    await expect(claimDirectory(directory)).rejects.toThrow(`process ${pid};`)
    // The next round's stale socket.
    await racers[winner]!.end('SIGKILL')
    racers.splice(winner, 1)
  }
})
