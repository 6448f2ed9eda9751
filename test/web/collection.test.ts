// The page where there is nothing yet: the empty state, indexing a folder from the page, and signing in.
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { describePage, openBrowser } from '../helpers/chromium.ts'
import { drawPicture } from '../helpers/noise-pictures.ts'
import {
  findBarriers,
  openPage,
  type PageServer,
  servePage,
  type Watched,
} from '../helpers/page.ts'

const WAIT = { timeout: 60_000 }
const COLOURS = ['#c81414', '#14a028', '#1432d2', '#f0dc28', '#202840']

describePage('the page of an empty collection', () => {
  let server: PageServer
  let browser: Browser
  let watched: Watched

  beforeAll(async () => {
    server = await servePage({ pictures: 'none' })
    browser = await openBrowser()
  }, 600_000)
  afterAll(async () => {
    await browser?.close()
    await server?.[Symbol.asyncDispose]()
  })
  afterEach(async () => {
    await watched.page.context().close()
    expect(watched.errors).toEqual([])
    expect(watched.foreignRequests).toEqual([])
  })

  const open = async (options: BrowserContextOptions = {}): Promise<Page> => {
    watched = await openPage(browser, server.url, options)
    return watched.page
  }

  test.each(['light', 'dark'] as const)('says what to do, in %s', async (colorScheme) => {
    const page = await open({ colorScheme, reducedMotion: 'reduce' })
    await page.getByRole('heading', { name: 'No pictures yet' }).waitFor(WAIT)
    expect(await findBarriers(page)).toEqual([])
    await page.getByRole('button', { name: 'Open the collection' }).click()
    await page.getByText('No folder is indexed yet.').waitFor(WAIT)
    expect(await findBarriers(page)).toEqual([])
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
  })

  test('a folder is added, indexed and found, and what cannot be read is listed', async () => {
    await mkdir(server.album)
    for (const [i, colour] of COLOURS.entries()) {
      await writeFile(join(server.album, `${i}.png`), await drawPicture(colour))
    }
    await writeFile(join(server.album, 'broken.jpg'), 'Dear diary')
    const page = await open()
    await page.getByRole('button', { name: /^Collection/ }).click()

    const field = page.getByLabel('Add a folder of the server')
    await field.fill(dirname(dirname(server.album)))
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('dialog').getByText('That is not allowed').waitFor(WAIT)

    // Every state that the page is told of is noted, so that the progress itself can be judged.
    const states = await page.evaluateHandle(`(() => {
      const seen = []
      new MutationObserver(() => {
        const text = document.querySelector('section:not([hidden]) .job b')?.textContent
        if (text && seen.at(-1) !== text) seen.push(text)
      }).observe(document.body, { subtree: true, childList: true, characterData: true })
      return seen
    })()`)
    await field.fill(server.album)
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByText('5 new pictures · 1 failure').waitFor(WAIT)
    const seen = (await states.jsonValue()) as string[]
    expect(seen.at(-1)).toBe('Done: Photos')
    expect(seen.some((text) => text.startsWith('Indexing') || text.startsWith('Waiting'))).toBe(
      true,
    )
    await page.locator('.failures', { hasText: 'broken.jpg' }).waitFor(WAIT)
    await page
      .locator('.roots', { hasText: '5 pictures · 1 failure · indexed just now' })
      .waitFor(WAIT)

    // The pictures are there without a reload.
    await page.keyboard.press('Escape')
    await expect.poll(() => page.locator('.grid a').count(), WAIT).toBe(5)
    expect(await page.getByRole('heading', { name: 'No pictures yet' }).count()).toBe(0)
  })

  test('an indexed folder is brought up to date', async () => {
    await writeFile(join(server.album, 'new.png'), await drawPicture('#ffffff'))
    const page = await open()
    await page.getByRole('button', { name: /^Collection/ }).click()
    await page.getByRole('button', { name: 'Index now' }).click()
    await page.getByText('1 new picture · 5 as before').waitFor(WAIT)
  })

  test('what was indexed from a shell is there when one comes back', async () => {
    const page = await open()
    await expect.poll(() => page.locator('.grid a').count(), WAIT).toBe(6)
    await writeFile(join(server.album, 'newer.png'), await drawPicture('#808080'))
    const started = await fetch(`${server.url}/v1/index`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    const { job } = (await started.json()) as { job: { id: string } }
    const stateOf = async () => {
      const response = await fetch(`${server.url}/v1/jobs/${job.id}`)
      return ((await response.json()) as { job: { state: string } }).job.state
    }
    await expect.poll(stateOf, WAIT).toBe('done')
    await page.evaluate(`dispatchEvent(new Event('focus'))`)
    await expect.poll(() => page.locator('.grid a').count(), WAIT).toBe(7)
  })

  // Last: from here on the server asks everybody for a key.
  test('signs in with a key, indexes with it, and signs out', async () => {
    const { key } = await server.lucida.keys.create({ name: 'test', scope: 'write' })
    // The server looks for keys that others have made every two seconds.
    const isAsked = async () => {
      const response = await fetch(`${server.url}/v1/session`)
      return ((await response.json()) as { keyRequired: boolean }).keyRequired
    }
    await expect.poll(isAsked, WAIT).toBe(true)
    const page = await open()
    const field = page.getByLabel('Key', { exact: true })
    await field.waitFor(WAIT)
    expect(await findBarriers(page)).toEqual([])
    await field.fill('lk_wrong')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('The key is not valid').waitFor(WAIT)
    await field.fill(key)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect.poll(() => page.locator('.grid a').count(), WAIT).toBe(7)

    await page.reload()
    await expect.poll(() => page.locator('.grid a').count(), WAIT).toBe(7)
    await page.getByRole('button', { name: /^Collection/ }).click()
    // A change, which the token of the session goes with.
    await page.getByRole('button', { name: 'Index now' }).click()
    await page.getByText('7 as before').waitFor(WAIT)
    // Adding folders needs another scope.
    expect(await page.getByLabel('Add a folder of the server').isVisible()).toBe(false)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await field.waitFor(WAIT)

    // Sessions end by themselves too: then one signs in again and goes on where one was.
    const signIn = async () => {
      await field.fill(key)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await expect.poll(() => page.locator('.grid a').count(), WAIT).toBe(7)
      expect(await page.getByText('A key is needed').count()).toBe(0)
    }
    await signIn()
    await page.context().clearCookies()
    await page.fill('#search', 'grey')
    await field.waitFor(WAIT)
    await signIn()
    await page.context().clearCookies()
    await page.evaluate(`dispatchEvent(new Event('focus'))`)
    await field.waitFor(WAIT)
    await signIn()
  })
})
