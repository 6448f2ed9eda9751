import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LucidaError } from '../../src/core/errors.ts'
import { startWorker, type WorkerClient } from '../../src/core/worker.ts'
import type { EchoMethods } from '../helpers/echo-worker.ts'

const HELPERS = new URL('../helpers/worker-child.ts', import.meta.url)

const start = () => startWorker<EchoMethods>(HELPERS.href, 'echo-worker')

describe('a call', () => {
  let worker: WorkerClient<EchoMethods>
  beforeAll(() => {
    worker = start()
  })
  afterAll(() => worker.close())

  test('gets the answer of its own, in the order asked', async () => {
    const order: string[] = []
    const calls = [
      worker.call('later', ['first', 20]).then((answer) => order.push(answer)),
      worker.call('later', ['second', 0]).then((answer) => order.push(answer)),
    ]
    await Promise.all(calls)
    expect(order).toEqual(['first', 'second'])
  })

  test('moves the buffers that it transfers', async () => {
    const numbers = Float32Array.of(1, 2, 3.5)
    expect(await worker.call('sum', [numbers], [numbers.buffer])).toBe(6.5)
    expect(numbers.byteLength).toBe(0)
  })

  test('that fails is rejected with the code and the words of the error', async () => {
    const call = worker.call('refuse', [])
    await expect(call).rejects.toBeInstanceOf(LucidaError)
    await expect(call).rejects.toMatchObject({
      code: 'model_invalid',
      message: 'The graph has no output',
    })
  })

  test('that fails in an unforeseen way is an internal error', async () => {
    await expect(worker.call('break', [])).rejects.toMatchObject({
      code: 'internal',
      message: 'x is not a function',
    })
  })

  test('of a method that is not there is an internal error', async () => {
    await expect(worker.call('missing' as 'echo', [1])).rejects.toMatchObject({ code: 'internal' })
  })

  test('after one that failed works', async () => {
    await worker.call('break', []).catch(() => {})
    expect(await worker.call('echo', ['still here'])).toBe('still here')
  })
})

describe('the end of the thread', () => {
  test('waits for what was called before, and lets nothing begin that it would cut off', async () => {
    const worker = start()
    const before = worker.call('later', ['first', 20])
    const ending = worker.end('echo', ['last'])
    // A library that is ended while it is at work ends the process.
    const late = worker.call('later', ['never', 60_000])
    await expect(late).rejects.toMatchObject({ code: 'internal' })
    expect(await before).toBe('first')
    await ending
    await expect(worker.call('echo', [1])).rejects.toMatchObject({ code: 'internal' })
    await worker.end('echo', ['once more'])
  })

  test('rejects calls under way and calls made afterwards', async () => {
    const worker = start()
    const underWay = worker.call('later', ['never', 60_000])
    const rejected = expect(underWay).rejects.toMatchObject({ code: 'internal' })
    await worker.close()
    await rejected
    await expect(worker.call('echo', [1])).rejects.toMatchObject({ code: 'internal' })
    await worker.close()
  })

  test('is noticed when the thread ends by itself', async () => {
    const worker = start()
    await expect(worker.call('end', [])).rejects.toMatchObject({
      message: 'The echo-worker thread has ended',
    })
    await expect(worker.call('echo', [1])).rejects.toBeInstanceOf(LucidaError)
  })
})

describe('the process', () => {
  const child = async (...args: string[]) => {
    const script = fileURLToPath(HELPERS)
    const run = promisify(execFile)(process.execPath, ['--import', 'tsx', script, ...args], {
      timeout: 20_000,
    })
    return (await run).stdout
  }

  test('waits for an answer, but not for an idle thread', async () => {
    expect(await child()).toBe('answered\n')
  })

  test('does not wait for a call that could not be sent', async () => {
    expect(await child('uncloneable')).toMatch(/^answered\nDataCloneError/)
  })
})
