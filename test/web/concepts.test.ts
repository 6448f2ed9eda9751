// Concepts on the page, in a real browser: taught from opened pictures, and offered as terms.
import type { Browser, Page } from 'playwright-core'
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

describePage('concepts on the page', () => {
  let server: PageServer
  let browser: Browser
  let watched: Watched

  beforeAll(async () => {
    server = await servePage()
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

  /** Opens the first picture of a search for `words` and says what it is to the concept. */
  async function teach(page: Page, words: string, name: string, button: string): Promise<string> {
    await page.fill('#search', words)
    await page.waitForResponse((response) => response.url().endsWith('/v1/search'), WAIT)
    await page.locator(`.grid img[alt="${words.replaceAll(' ', '-')}.jpg"]`).click(WAIT)
    await page.getByText('Teach a concept').click(WAIT)
    await page.getByLabel('Name of the concept').fill(name)
    await page.getByRole('button', { name: button }).click(WAIT)
    const learned = page.getByRole('dialog').getByRole('status')
    await learned.filter({ hasText: 'like it' }).waitFor(WAIT)
    const text = (await learned.textContent()) ?? ''
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    return text
  }

  test('a concept is taught from opened pictures, and then a term of the question', async () => {
    watched = await openPage(browser, server.url, { reducedMotion: 'reduce' })
    const { page } = watched
    await page.locator('.grid a').first().waitFor(WAIT)
    const chips = page.getByRole('group', { name: 'Concepts' })
    expect(await chips.isVisible()).toBe(false)

    expect(await teach(page, 'red car', 'my car', 'This is one')).toContain('1 like it, 0 not')
    expect(await teach(page, 'blue car', 'my car', 'This is one')).toMatch(/precision of \d+ %/)
    expect(await teach(page, 'horse', 'my car', 'This is not')).toContain('2 like it, 1 not')

    await page.fill('#search', '')
    const chip = chips.getByRole('button', { name: 'my car' })
    await chip.click(WAIT)
    await expect
      .poll(() => page.locator('.grid img').first().getAttribute('alt'), WAIT)
      .toMatch(/car|taxi/)
    expect(await chip.getAttribute('aria-pressed')).toBe('true')
    expect(new URL(page.url()).searchParams.get('q')).toBe('concept:my car')
    expect(await findBarriers(page)).toEqual([])

    await chip.click()
    await expect.poll(() => page.locator('#search').inputValue(), WAIT).toBe('')
    expect(await chip.getAttribute('aria-pressed')).toBe('false')
  })

  test('says what is wrong with a name', async () => {
    watched = await openPage(browser, server.url, { reducedMotion: 'reduce' })
    const { page } = watched
    await page.locator('.grid a').first().click(WAIT)
    await page.getByText('Teach a concept').click(WAIT)
    await page.getByLabel('Name of the concept').fill('a:b')
    await page.getByRole('button', { name: 'This is one' }).click(WAIT)
    await page.getByRole('alert').filter({ hasText: 'letters, digits' }).waitFor(WAIT)
  })
})
