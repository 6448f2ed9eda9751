// The page where the server has a safety policy: what is labelled is blurred until one asks for it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findModel } from '../../src/lucida.ts'
import { describePage, openBrowser } from '../helpers/chromium.ts'
import { findBarriers, openPage, type PageServer, servePage } from '../helpers/page.ts'

// A busy machine may need its time.
const WAIT = { timeout: 30_000 }

describePage('the page under a safety policy', () => {
  let folder: string
  let browser: Browser
  let labelling: PageServer

  /** A policy that suspects every picture. */
  async function writePolicy(): Promise<string> {
    const { name, recipe, dimension } = await findModel('lucida-clip-1')
    const head = { model: name, recipe, weights: Array(dimension).fill(0), bias: 5 }
    await writeFile(join(folder, 'head.json'), JSON.stringify(head))
    const concepts = [{ name: 'anything', head: 'head.json', threshold: 0.5 }]
    await writeFile(join(folder, 'policy.json'), JSON.stringify({ concepts, blockedPrompts: [] }))
    return join(folder, 'policy.json')
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lucida-safety-'))
    browser = await openBrowser()
    labelling = await servePage({ config: { safety: 'label', safetyFile: await writePolicy() } })
  }, 600_000)
  afterAll(async () => {
    await browser?.close()
    await labelling?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  test('a labelled picture is blurred, named, and shown when one asks for it', async () => {
    const { page, errors } = await openPage(browser, `${labelling.url}/?q=a+red+car`)
    await page.locator('.grid a').first().waitFor(WAIT)
    expect(await page.locator('.grid a.veiled').count()).toBe(40)
    expect(await page.locator('.grid .suspicion').first().textContent()).toBe('maybe anything')
    const blurOf = (selector: string) =>
      page
        .locator(selector)
        .first()
        .evaluate((image) => (globalThis as unknown as Styled).getComputedStyle(image).filter)
    expect(await blurOf('.grid img')).toContain('blur')

    await page.locator('.grid a').first().click()
    const ask = page.getByRole('button', { name: 'Show it: maybe anything' })
    await ask.waitFor(WAIT)
    expect(await blurOf('.large')).toContain('blur')
    expect(await findBarriers(page)).toEqual([])
    await ask.click()
    await expect.poll(() => blurOf('.large'), WAIT).toBe('none')
    // The next one asks again.
    await page.keyboard.press('ArrowRight')
    await ask.waitFor(WAIT)
    expect(errors).toEqual([])
    await page.context().close()
  })

  test('what is left out is counted', async () => {
    const { page } = await openPage(browser, labelling.url)
    await page.locator('.grid a').first().waitFor(WAIT)
    await page.route('**/v1/search', async (route) => {
      const response = await route.fetch()
      const answer = (await response.json()) as object
      await route.fulfill({ response, json: { ...answer, leftOut: 3 } })
    })
    await page.fill('#search', 'a boat')
    await page.getByText('3 pictures left out by the safety policy').waitFor(WAIT)
    await page.context().close()
  })
})

interface Styled {
  getComputedStyle(element: unknown): { readonly filter: string }
}
