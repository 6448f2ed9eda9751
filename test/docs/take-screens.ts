// Takes docs/screens/*.webp from the running page over pictures that Lucida drew itself.
// `npm run docs:screens`, after a build; needs Chromium and a sans-serif font.
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { openBrowser } from '../helpers/chromium.ts'
import { openPage, servePage } from '../helpers/page.ts'

const TARGET = join(import.meta.dirname, '../../docs/screens')
const WAIT = { timeout: 120_000 }

/** Ways of looking at the page. */
const LOOKS = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  phone: {
    colorScheme: 'light',
    viewport: { width: 390, height: 780 },
    hasTouch: true,
    isMobile: true,
    deviceScaleFactor: 2,
  },
} as const

type Look = keyof typeof LOOKS
const looks = Object.keys(LOOKS) as Look[]

/** Whether every picture in sight is there. */
const IS_COMPLETE = `[...document.querySelectorAll('.grid img, .large')].every((image) =>
  image.getBoundingClientRect().top > innerHeight || image.classList.contains('there'))`

/** Leaves a picture of what is seen now, once all pictures in sight are there. */
async function take(page: Page, name: string, look: Look): Promise<void> {
  while (!(await page.evaluate(IS_COMPLETE))) await page.waitForTimeout(100)
  await page.waitForTimeout(600)
  await save(await page.screenshot({ animations: 'disabled' }), name, look)
}

async function save(png: Buffer, name: string, look: Look): Promise<void> {
  const webp = await sharp(png).webp({ quality: 78, effort: 6 }).toBuffer()
  await writeFile(join(TARGET, `${name}-${look}.webp`), webp)
  console.log(`${name}-${look}.webp ${Math.round(webp.length / 1000)} kB`)
}

/** Opens the page in one look, and shows it in one state after the other. */
async function inLook(
  browser: Browser,
  url: string,
  look: Look,
  show: (page: Page) => Promise<void>,
): Promise<void> {
  const { page, errors } = await openPage(browser, url, LOOKS[look])
  await show(page)
  if (errors.length > 0) throw new Error(errors.join('\n'))
  await page.context().close()
}

async function takeCollection(browser: Browser, url: string, look: Look): Promise<void> {
  await inLook(browser, url, look, async (page) => {
    await page.locator('.grid a').first().waitFor(WAIT)
    await take(page, 'all', look)
    await page.fill('#search', 'a sunset over the sea')
    await page.getByText('best first ·').waitFor(WAIT)
    // Words that were asked for before are not encoded again.
    await page.reload()
    await page.getByText('best first ·').waitFor(WAIT)
    await take(page, 'search', look)
    await page.goto(`${url}/?q=a+sunset+over+the+sea&gps=true`)
    await page.locator('.grid a').first().click()
    await page.getByText('on a map').waitFor(WAIT)
    await page.getByText('What is it?').click()
    await page.getByLabel('Labels, separated by commas').fill('sunset, mountain, animal, city')
    await page.getByRole('button', { name: 'Compare' }).click()
    await page.locator('.bars li').first().waitFor(WAIT)
    await page.evaluate(`document.querySelector('dialog').scrollTo(0, 0)`)
    await take(page, 'detail', look)
    await page.getByRole('button', { name: 'More like this' }).click()
    await page.getByRole('button', { name: 'Remove picture 1' }).waitFor(WAIT)
    await take(page, 'algebra', look)
    await page.goto(`${url}/?q=pizza+on+a+plate`)
    await page.getByRole('button', { name: 'Develop it' }).click()
    const candidates = page.getByRole('list', { name: 'Candidates, best first' })
    await candidates.getByRole('img', { name: 'Candidate 4, generated' }).waitFor(WAIT)
    await page.waitForTimeout(600)
    await take(page, 'drawing', look)
    await page.goto(`${url}/?q=a+car`)
    await page.locator('.grid a').first().waitFor(WAIT)
    await page.route('**/v1/search', (route) => route.abort())
    await page.fill('#search', 'a boat')
    await page.getByText('Lucida does not answer').waitFor(WAIT)
    await take(page, 'error', look)
  })
}

/** Indexing is over when it is over, so each look needs a collection of its own. */
async function takeIndexing(browser: Browser, url: string, album: string, look: Look) {
  await inLook(browser, url, look, async (page) => {
    await page.getByRole('button', { name: /^Collection/ }).click()
    await page.getByLabel('Add a folder of the server').fill(album)
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    const progress = page.locator('.job progress')
    // A picture of the middle: what is done before and after it is taken is the same.
    for (let before = 0; before < 60; ) {
      const png = await page.screenshot()
      const after = Number(await progress.getAttribute('value', WAIT))
      await save(png, 'indexing', look)
      if (before > 0 && before === after) break
      before = after
    }
    await page.getByText('60 new pictures').waitFor(WAIT)
  })
}

await mkdir(TARGET, { recursive: true })
const browser = await openBrowser()
{
  await using empty = await servePage({ pictures: 'none' })
  for (const look of looks) {
    await inLook(browser, empty.url, look, async (page) => {
      await page.getByText('No pictures yet').waitFor(WAIT)
      await take(page, 'empty', look)
    })
  }
}
for (const look of looks) {
  await using fresh = await servePage({ pictures: 'drawn' })
  await takeIndexing(browser, fresh.url, fresh.album, look)
  await takeCollection(browser, fresh.url, look)
}
await browser.close()
console.log((await readdir(TARGET)).length, 'pictures in docs/screens')
