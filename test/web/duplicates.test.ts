// Duplicates on the page, in a real browser: groups with their tier, and the way to a picture.
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { describePage, openBrowser } from '../helpers/chromium.ts'
import {
  findBarriers,
  openPage,
  type PageServer,
  servePage,
  type Watched,
} from '../helpers/page.ts'

const WAIT = { timeout: 60_000 }

describePage('duplicates on the page', () => {
  let server: PageServer
  let browser: Browser
  let watched: Watched

  beforeAll(async () => {
    server = await servePage()
    const at = (name: string) => join(server.album, name)
    await copyFile(at('places/lighthouse.jpg'), at('places/lighthouse again.jpg'))
    await sharp(at('creatures/horse.jpg')).flop().resize(300).toFile(at('creatures/mirrored.jpg'))
    for await (const _ of server.lucida.index([server.album]));
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

  const open = async (): Promise<Page> => {
    watched = await openPage(browser, server.url, { reducedMotion: 'reduce' })
    const { page } = watched
    await page.locator('.grid a').first().waitFor(WAIT)
    await page.getByRole('button', { name: /^Collection/ }).click()
    await page.getByRole('button', { name: 'Find duplicates' }).click()
    return page
  }
  /** Tiers of the groups, once they are all there. */
  const tiers = async (page: Page) => {
    await page.getByRole('status').filter({ hasText: /group/ }).waitFor(WAIT)
    return page.locator('.tier').allTextContents()
  }

  test('each group is labelled with its tier', async () => {
    const page = await open()
    expect(await tiers(page)).toEqual(['Exact'])
    const paths = await page.locator('.groups .path').allTextContents()
    expect(paths.join()).toContain('lighthouse again.jpg')
    expect(paths.join()).toContain('lighthouse.jpg')
    expect(await findBarriers(page)).toEqual([])

    await page.getByRole('button', { name: 'Near', exact: true }).click()
    await page.getByRole('button', { name: 'Open mirrored.jpg' }).waitFor(WAIT)
    expect(new Set(await tiers(page))).toEqual(new Set(['Near']))
    const group = page.locator('.groups > li', { has: page.getByLabel('Open mirrored.jpg') })
    await group.getByLabel('Open horse.jpg').waitFor(WAIT)
    await group
      .getByText(/\d+ % like the first/)
      .last()
      .waitFor(WAIT)
  })

  test('what was generated says so here too', async () => {
    const at = (name: string) => join(server.album, name)
    const xmp = 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia'
    const marked = sharp({ create: { width: 64, height: 48, channels: 3, background: '#369' } })
    await marked.withXmp(`<x>${xmp}</x>`).png().toFile(at('drawn.png'))
    await copyFile(at('drawn.png'), at('drawn again.png'))
    for await (const _ of server.lucida.index([server.album]));
    const page = await open()
    const member = page.getByRole('button', { name: 'Open drawn again.png, generated' })
    expect(await member.textContent(WAIT)).toBe('generated')
    expect(await page.locator('.member .generated').count()).toBe(1)
  })

  test('a picture of a group opens, and its dialog leads to the page', async () => {
    const page = await open()
    await page.getByRole('button', { name: /^Open lighthouse/ }).click(WAIT)
    await page.getByRole('heading', { name: /^lighthouse/ }).waitFor(WAIT)
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
  })
})
