// Balanced results, the audit and the model's card, as a person finds them on the page.
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

describePage('the page and bias', () => {
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

  const open = async (path: string): Promise<Page> => {
    watched = await openPage(browser, server.url + path)
    await watched.page.locator('.grid a').first().waitFor(WAIT)
    return watched.page
  }
  const status = (page: Page) => page.locator('.status [role=status]').textContent()

  test('results are balanced by choice, the answer says so, and the address keeps it', async () => {
    const page = await open('?q=a+doctor')
    const choice = page.getByLabel('Fairness')
    await choice.waitFor(WAIT)
    expect(await choice.inputValue()).toBe('')
    expect(await status(page)).not.toContain('balanced')
    await choice.selectOption('balance:gender')
    await expect.poll(() => status(page), WAIT).toContain('the best 200 balanced by gender')
    expect(new URL(page.url()).searchParams.get('adjust')).toBe('balance:gender')
    expect(await findBarriers(page)).toEqual([])

    await page.reload()
    await expect.poll(() => status(page), WAIT).toContain('the best 200 balanced by gender')
    expect(await choice.inputValue()).toBe('balance:gender')
    await choice.selectOption('debias:age')
    await expect.poll(() => status(page), WAIT).toContain('age taken out of the question')
    await page.fill('#search', 'an old man')
    await expect.poll(() => status(page), WAIT).toContain('not debiased: you ask for age')
    await choice.selectOption('')
    await expect.poll(() => status(page), WAIT).toMatch(/best first · [^·]* ms$/)
    expect(new URL(page.url()).searchParams.has('adjust')).toBe(false)
  })

  test('without a question there is nothing to balance', async () => {
    const page = await open('')
    await page.waitForFunction('document.querySelector("[aria-label=Fairness]") !== null')
    expect(await page.getByLabel('Fairness').isVisible()).toBe(false)
  })

  test('the collection leads to the card of the model and to an audit', async () => {
    const page = await open('')
    await page.getByRole('button', { name: /^Collection/ }).click()
    const [card] = await Promise.all([
      page.waitForEvent('popup'),
      page.getByRole('link', { name: 'Its card' }).click(),
    ])
    await expect.poll(() => card.textContent('body'), WAIT).toContain('# lucida-clip-1')
    await card.close()
    expect(await findBarriers(page)).toEqual([])

    await page.getByLabel('Audit by').selectOption('age')
    const [report] = await Promise.all([
      page.waitForEvent('popup', WAIT),
      page.getByRole('link', { name: 'Audit for bias' }).click(),
    ])
    await report.getByRole('heading', { name: 'Bias audit' }).waitFor(WAIT)
    await report.getByText('What this can and cannot show').waitFor(WAIT)
    await report.getByRole('heading', { name: 'Who is found: Age, as it looks' }).waitFor(WAIT)
    const chart = report.getByRole('img', { name: 'Effect sizes of the association tests' })
    expect((await chart.boundingBox())!.height).toBeGreaterThan(100)
    // The style of the document is let through by the policy that it is sent with.
    const width = await report
      .locator('body')
      .evaluate((body) => body.getBoundingClientRect().width)
    expect(width).toBeLessThan(900)
  })
})
