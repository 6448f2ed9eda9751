// The processes of Lucida that share one database: whatever ends one, it is started again, as a
// supervisor would. An end that nobody asked for is remembered.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DiskState } from './child.ts'
import { type Clock, clockOf } from './clock.ts'

/** A process, one life after another. */
export interface Member extends AsyncDisposable {
  readonly name: string
  readonly dataDir: string
  readonly clock: Clock
  /** SIGKILL. False where there was nothing to kill at this moment. */
  kill(): boolean
  /** How its disk behaves from now on, in later lives too. */
  setDisk(state: DiskState): void
  /** Resolves when it does what it is there for. */
  ready(): Promise<void>
  /** Ends it as a person would, for good. */
  stop(): Promise<void>
  /** Begins anew after `stop`. */
  start(): void
}

/** What is watched over all of them. */
export interface Watch {
  /** What ended that nobody had killed, or would not end. */
  readonly violations: string[]
  /** Lives that ended before they had begun, because the database was away. */
  startsThatFailed: number
}

/** What a member is started with. */
export interface MemberOptions {
  readonly name: string
  readonly folder: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

const CHILD = join(import.meta.dirname, 'child.ts')
const READY = /Lucida is at|Waiting for work/
const RESTART_MS = 200
/** On a machine that is busy. */
const READY_MS = 120_000
/** Requests and jobs under way may take a while on a machine that is busy. */
const STOP_MS = 60_000
const TAIL = 2000

interface Life {
  readonly child: ChildProcess
  readonly ended: Promise<void>
  isReady: boolean
  killed: boolean
  said: string
}

/** Starts one. */
export async function startMember(options: MemberOptions, watch: Watch): Promise<Member> {
  const { name, folder, args, env } = options
  const dataDir = join(folder, name)
  await mkdir(dataDir)
  const clock = await clockOf(join(folder, `${name}.clock`))
  let disk: DiskState = 'fine'
  let wanted = true
  let life: Life | undefined

  const begin = (): Life => {
    const child = fork(CHILD, [...args, '--data-dir', dataDir], {
      execArgv: ['--import', 'tsx'],
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env, ...clock.env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    const begun: Life = {
      child,
      ended: once(child, 'exit').then(() => {}),
      isReady: false,
      killed: false,
      said: '',
    }
    child.on('error', () => {})
    child.send(disk)
    child.stderr!.on('data', (data: Buffer) => {
      begun.said = shorten(begun.said + data.toString())
      begun.isReady ||= READY.test(begun.said)
    })
    return begun
  }
  const live = async () => {
    while (wanted) {
      life = begin()
      const { child, ended } = life
      await ended
      const { killed, isReady, said } = life
      life = undefined
      if (wanted && !killed) {
        if (isReady) watch.violations.push(`${name} ended by itself (${child.exitCode}): ${said}`)
        else watch.startsThatFailed++
      }
      if (wanted) await sleep(RESTART_MS)
    }
  }
  let living = live()

  return {
    name,
    dataDir,
    clock,
    kill() {
      if (!life) return false
      life.killed = true
      return life.child.kill('SIGKILL')
    },
    setDisk(state) {
      disk = state
      if (life?.child.connected) life.child.send(state, () => {})
    },
    async ready() {
      const deadline = performance.now() + READY_MS
      while (!life?.isReady) {
        if (performance.now() > deadline) throw new Error(`${name} does not start: ${life?.said}`)
        await sleep(50)
      }
    },
    async stop() {
      wanted = false
      const last = life
      if (last) {
        last.child.kill('SIGTERM')
        const late = setTimeout(() => {
          watch.violations.push(`${name} did not end when it was told to: ${last.said}`)
          last.child.kill('SIGKILL')
        }, STOP_MS)
        await last.ended
        clearTimeout(late)
        const { exitCode } = last.child
        if (last.isReady && exitCode !== 0 && last.child.signalCode === null) {
          watch.violations.push(`${name} ended with code ${exitCode}: ${last.said}`)
        }
      }
      await living
    },
    start() {
      wanted = true
      living = live()
    },
    async [Symbol.asyncDispose]() {
      wanted = false
      life?.child.kill('SIGKILL')
      await living
    },
  }
}

/** The beginning and the end. */
function shorten(text: string): string {
  return text.length > 2 * TAIL ? `${text.slice(0, TAIL)} … ${text.slice(1 - TAIL)}` : text
}
