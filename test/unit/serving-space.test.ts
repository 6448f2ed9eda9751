// Which open model answers: held while somebody works with it, closed when nobody does, and another
// process's choice is followed only once its model is ready.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { openServingSpace } from '../../src/serving-space.ts'
import type { Space } from '../../src/space.ts'
import type { VectorSpace } from '../../src/store/changes.ts'
import { newGate } from '../helpers/gate.ts'

const recipe = 'first'

/** A model that only notes how often it was closed. */
function fakeSpace(name: string) {
  const close = vi.fn(async () => {})
  const warmUp = vi.fn(async () => {})
  const space = { model: { name, recipe }, warmUp, close } as unknown as Space
  return { space, warmUp, close }
}

test('a model that was replaced stays open for those who work with it', async () => {
  const [first, second] = [fakeSpace('first'), fakeSpace('second')]
  const spaces = openServingSpace(first.space, null)
  const [one, other] = [spaces.hold(), spaces.hold()]
  spaces.replace(second.space)
  expect(spaces.hold().space).toBe(second.space)
  expect(one.space).toBe(first.space)
  one.release()
  one.release()
  expect(first.close).not.toHaveBeenCalled()
  other.release()
  expect(first.close).toHaveBeenCalledOnce()
  await spaces.close()
  expect(second.close).toHaveBeenCalledOnce()
  expect(first.close).toHaveBeenCalledOnce()
})

test('work that fails lets go of its model', async () => {
  const [first, second] = [fakeSpace('first'), fakeSpace('second')]
  const spaces = openServingSpace(first.space, null)
  const mayFail = newGate()
  const work = spaces.with(async () => {
    await mayFail.opened
    throw new Error('no')
  })
  spaces.replace(second.space)
  expect(first.close).not.toHaveBeenCalled()
  mayFail.open()
  await expect(work).rejects.toThrow('no')
  expect(first.close).toHaveBeenCalledOnce()
})

test('closing closes what is still held, once', async () => {
  const [first, second] = [fakeSpace('first'), fakeSpace('second')]
  const spaces = openServingSpace(first.space, null)
  const held = spaces.hold()
  spaces.replace(second.space)
  await spaces.close()
  held.release()
  expect(first.close).toHaveBeenCalledOnce()
})

test("another process's choice answers as soon as it is ready, and not before", async () => {
  const [first, second] = [fakeSpace('first'), fakeSpace('second')]
  const ready = newGate()
  const wanted = async (): Promise<VectorSpace> => ({ model: 'second', recipe })
  const open = vi.fn(async () => {
    await ready.opened
    return second.space
  })
  const spaces = openServingSpace(first.space, { wanted, open })
  spaces.hold().release()
  await sleep(5)
  expect(spaces.hold().space).toBe(first.space)
  ready.open()
  await vi.waitFor(() => expect(spaces.now).toBe(second.space))
  expect(open).toHaveBeenCalledOnce()
  expect(spaces.trouble).toBeNull()
})

test('a choice that cannot be opened here changes nothing, and says why', async () => {
  const first = fakeSpace('first')
  const spaces = openServingSpace(first.space, {
    wanted: async () => ({ model: 'second', recipe }),
    open: () => Promise.reject(new Error('it is not here')),
  })
  spaces.hold().release()
  await vi.waitFor(() => expect(spaces.trouble).toBe('first still answers here: it is not here'))
  expect(spaces.now).toBe(first.space)
})

test('a model that was opened for a choice that has passed is closed again', async () => {
  const [first, second] = [fakeSpace('first'), fakeSpace('second')]
  const choices = ['second', 'first']
  const spaces = openServingSpace(first.space, {
    wanted: async () => ({ model: choices.shift() ?? 'first', recipe }),
    open: async () => second.space,
  })
  spaces.hold().release()
  await vi.waitFor(() => expect(second.close).toHaveBeenCalledOnce())
  expect(spaces.now).toBe(first.space)
})

test('a model that cannot be made ready is closed again, and so is one nobody can be asked about', async () => {
  const [first, second, third] = [fakeSpace('first'), fakeSpace('second'), fakeSpace('third')]
  second.warmUp.mockRejectedValue(new Error('its index cannot be built'))
  const unready = openServingSpace(first.space, {
    wanted: async () => ({ model: 'second', recipe }),
    open: async () => second.space,
  })
  unready.hold().release()
  await vi.waitFor(() => expect(unready.trouble).toMatch('its index cannot be built'))
  expect(second.close).toHaveBeenCalledOnce()

  const wanted = vi.fn(async (): Promise<VectorSpace> => Promise.reject(new Error('away')))
  wanted.mockResolvedValueOnce({ model: 'third', recipe })
  const unsure = openServingSpace(first.space, { wanted, open: async () => third.space })
  unsure.hold().release()
  await vi.waitFor(() => expect(unsure.trouble).toMatch('away'))
  expect(third.close).toHaveBeenCalledOnce()
  expect(unsure.now).toBe(first.space)
})
