// The page over a collection, in a real browser: searching, filtering, scrolling, looking closer.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { describePage, openBrowser } from '../helpers/chromium.ts'
import {
  findBarriers,
  giveFile,
  openPage,
  type PageServer,
  servePage,
  type Watched,
} from '../helpers/page.ts'

// A busy machine may need its time.
const WAIT = { timeout: 30_000 }

describePage('the page over a collection', () => {
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

  const open = async (path = '', options: BrowserContextOptions = {}): Promise<Page> => {
    watched = await openPage(browser, server.url + path, options)
    await watched.page.locator('.grid a').first().waitFor(WAIT)
    return watched.page
  }
  const names = (page: Page) =>
    page.locator('.grid img').evaluateAll((all) => all.map((each) => each.getAttribute('alt')))
  const first = async (page: Page) => (await names(page))[0]
  const expectFirst = (page: Page, name: string) => expect.poll(() => first(page), WAIT).toBe(name)
  const status = (page: Page) => page.locator('.status [role=status]').textContent()
  const pictureOf = async (path: string) => {
    return {
      name: 'picture.jpg',
      type: 'image/jpeg',
      bytes: await readFile(join(server.album, path)),
    }
  }

  test('answers while one types; back, and a link, bring the same', async () => {
    const page = await open()
    expect(await status(page)).toMatch(/^60 pictures · /)
    // Answers to the first of the words may put the same picture first.
    const answered = page.waitForResponse(
      (response) => response.request().postData()?.includes('sheep on a meadow') ?? false,
      WAIT,
    )
    await page.locator('#search').pressSequentially('sheep on a meadow', { delay: 20 })
    await (await answered).finished()
    await page.waitForTimeout(300)
    await expectFirst(page, 'three-sheep.jpg')
    expect(await status(page)).toMatch(/^60 pictures, best first · .* ms$/)
    expect(new URL(page.url()).search).toBe('?q=sheep+on+a+meadow')
    const found = await names(page)
    const link = page.url()

    await page.goBack()
    await expect.poll(() => status(page), WAIT).toMatch(/^60 pictures · /)
    expect(await page.locator('#search').inputValue()).toBe('')

    await page.goto(link)
    await expectFirst(page, 'three-sheep.jpg')
    expect(await names(page)).toEqual(found)
  })

  test('an answer to an earlier question is dropped', async () => {
    const page = await open()
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    let wasHeld = false
    await page.route('**/v1/search', async (route) => {
      const isEarlier = route.request().postData()?.includes('a red car')
      if (isEarlier) {
        wasHeld = true
        await held
      }
      // Of a request that was called off there is nothing to continue.
      await route.continue().catch(() => {})
    })
    await page.fill('#search', 'a red car')
    await expect.poll(() => wasHeld, WAIT).toBe(true)
    await page.fill('#search', 'sheep on a meadow')
    await expectFirst(page, 'three-sheep.jpg')
    release()
    await page.waitForTimeout(500)
    expect(await first(page)).toBe('three-sheep.jpg')
  })

  test('says when probably nothing shows what is asked for', async () => {
    const page = await open()
    await page.route('**/v1/search', async (route) => {
      const response = await route.fetch()
      const answer = (await response.json()) as { items: { relevance: number | null }[] }
      for (const item of answer.items) item.relevance = 0.1
      await route.fulfill({ response, json: { ...answer, relevanceThreshold: 0.9 } })
    })
    await page.fill('#search', 'a typewriter')
    await page.getByText('Probably no picture shows this').waitFor(WAIT)
    expect(await page.locator('.grid a.doubtful').count()).toBe(40)
  })

  test.each(['drop', 'paste'] as const)('a picture to %s finds itself', async (how) => {
    const page = await open()
    await giveFile(page, how, await pictureOf('things/red-car.jpg'))
    await expectFirst(page, 'red-car.jpg')
    await page.getByText('your picture').waitFor()
    // It is taken away with its chip.
    await page.getByRole('button', { name: 'Remove picture 1' }).click()
    await expect.poll(() => status(page), WAIT).toMatch(/^60 pictures · /)
  })

  test('what is not a picture is refused in plain words', async () => {
    const page = await open()
    const bytes = Buffer.from('Dear diary')
    await giveFile(page, 'drop', { name: 'diary.txt', type: 'text/plain', bytes })
    await page.getByText('diary.txt is not a picture.').waitFor(WAIT)
    expect(await page.locator('.grid a').count()).toBe(40)
    await giveFile(page, 'drop', { name: 'broken.jpg', type: 'image/jpeg', bytes })
    await page.getByRole('heading', { name: 'not a picture Lucida can read' }).waitFor(WAIT)
  })

  test('filters narrow down, with counts', async () => {
    const page = await open()
    const folder = page.getByLabel('Folder', { exact: true })
    const option = folder.locator('option', { hasText: 'creatures' })
    const count = Number(/\((\d+)\)/.exec((await option.textContent({ timeout: 30_000 }))!)![1])
    await folder.selectOption({ label: (await option.textContent())! })
    await expect.poll(() => status(page), WAIT).toMatch(new RegExp(`^${count} pictures · `))
    expect(new URL(page.url()).searchParams.get('folder')).toBe(join(server.album, 'creatures'))
    // Other folders can still be chosen, and a second filter counts within the first.
    expect(await folder.locator('option').count()).toBe(4)
    await page.getByLabel('Year').selectOption('2024')
    await expect.poll(() => status(page), WAIT).not.toMatch(new RegExp(`^${count} `))
    await page.getByRole('button', { name: 'Clear filters' }).click()
    await expect.poll(() => status(page), WAIT).toMatch(/^60 pictures/)
  })

  test('scrolling brings more', async () => {
    const page = await open()
    await expect.poll(() => names(page).then((all) => all.length), WAIT).toBe(40)
    await page.mouse.move(640, 500)
    await page.mouse.wheel(0, 3000)
    await expect.poll(() => names(page).then((all) => new Set(all).size), WAIT).toBe(60)
  })

  test('rows fill the width and pictures keep their shape', async () => {
    const page = await open()
    const boxes = await page
      .locator('.grid li')
      .evaluateAll((all) => all.map((each) => each.getBoundingClientRect().toJSON() as DOMBox))
    const list = (await page.locator('.grid').boundingBox())!
    const top = boxes.filter(({ y }) => y === boxes[0]!.y)
    expect(top.length).toBeGreaterThan(2)
    expect(new Set(top.map(({ height }) => height)).size).toBe(1)
    const right = top.at(-1)!
    expect(Math.abs(right.x + right.width - (list.x + list.width))).toBeLessThanOrEqual(1)
  })

  test('a picture opens, turns by arrows and closes; the focus comes back', async () => {
    const page = await open('/?q=a+red+car')
    await page.locator('.grid a').first().focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    const [one, two] = await names(page)
    await dialog.getByRole('heading', { name: one! }).waitFor(WAIT)
    await dialog.getByText('640 × 480').waitFor(WAIT)
    expect(new URL(page.url()).searchParams.get('view')).toMatch(/^[0-9a-f]{64}$/)
    // With Alt it is the browser's: forward and back.
    await page.keyboard.press('Alt+ArrowRight')
    await page.keyboard.press('ArrowRight')
    await dialog.getByRole('heading', { name: two! }).waitFor(WAIT)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    expect(new URL(page.url()).search).toBe('?q=a+red+car')
    const focused = page.locator('.grid a:focus img')
    await expect.poll(() => focused.getAttribute('alt'), WAIT).toBe(two)
  })

  test('shows when, with what and where a picture was taken, and asks no map before a click', async () => {
    const page = await open('/?gps=true')
    await page.locator('.grid a').first().click()
    const dialog = page.getByRole('dialog')
    const map = dialog.getByRole('link', { name: 'on a map' })
    expect(await map.getAttribute('href')).toMatch(/^https:\/\/www\.openstreetmap\.org\/\?mlat=\d/)
    await dialog.getByText('Lucida Wollaston').waitFor()
    await dialog.getByText(/^\d+ July 202\d at 18:30$/).waitFor()
  })

  test('more like this, less like this and not this are terms of the question', async () => {
    const page = await open('/?q=snow')
    await page.locator('.grid a').first().click()
    const name = (await page.getByRole('dialog').getByRole('heading').first().textContent())!
    await page.getByRole('button', { name: 'More like this' }).click()
    await page.getByRole('button', { name: 'Remove picture 1' }).waitFor(WAIT)
    await expect.poll(() => names(page), WAIT).not.toContain(name)
    await expect.poll(() => names(page).then((all) => all.length), WAIT).toBeGreaterThan(1)
    const more = await names(page)

    await page.getByRole('button', { name: 'Subtract picture 1 instead' }).click()
    await expect.poll(() => names(page), WAIT).not.toEqual(more)
    expect(new URL(page.url()).searchParams.get('unlike')).toMatch(/^[0-9a-f]{64}$/)

    await page.locator('.grid a').first().click()
    await page.getByRole('button', { name: 'Less like this' }).click()
    expect(new URL(page.url()).searchParams.getAll('unlike')[1]).toMatch(/^0\.5:[0-9a-f]{64}$/)
    await page.locator('.chip').nth(2).waitFor(WAIT)

    await page.getByRole('button', { name: 'Remove “snow”' }).click()
    expect(await page.locator('#search').inputValue()).toBe('')
    await expect.poll(() => page.locator('.chip').count(), WAIT).toBe(2)
  })

  test('labels are compared for a picture', async () => {
    const page = await open('/?q=a+red+car')
    await expect.poll(() => first(page), WAIT).toMatch(/^red-car/)
    await page.locator('.grid a').first().click()
    await page.getByText('What is it?').click()
    await page.getByLabel('Labels, separated by commas').fill('a red car, a mountain, a fish')
    await page.getByRole('button', { name: 'Compare' }).click()
    await page.locator('.bars li').nth(2).waitFor(WAIT)
    expect(await page.locator('.bars li span').first().textContent()).toBe('a red car')
  })

  test('why a picture was found: the map over it, and what each term adds', async () => {
    const page = await open('/?q=a+red+car+-+snow')
    await page.locator('.grid a').first().click()
    await page.getByText('Why this picture?').click()
    const heat = page.getByRole('img', { name: 'Heat map' })
    await heat.waitFor(WAIT)
    const [map, picture] = await Promise.all([
      heat.boundingBox(),
      page.locator('.large').boundingBox(),
    ])
    expect(map).toEqual(picture)
    const drawn = () =>
      heat.evaluate((canvas) => {
        const { width, height } = canvas as unknown as { width: number; height: number }
        const context = (canvas as unknown as Canvas).getContext('2d')
        return [...context.getImageData(0, 0, width, height).data].join()
      })
    const all = await drawn()
    const terms = page.locator('.why .bars li')
    expect(await terms.locator('button').allTextContents()).toEqual(['“a red car”', '“snow”'])
    expect(await terms.locator('.number').allTextContents()).toEqual([
      expect.stringMatching(/^[+−]0\.\d{3}$/),
      expect.stringMatching(/^[+−]0\.\d{3}$/),
    ])
    await page.getByRole('button', { name: '“snow”', exact: true }).click()
    await expect.poll(drawn, WAIT).not.toBe(all)
    expect(await findBarriers(page)).toEqual([])

    await page.getByLabel('Show where').uncheck()
    await heat.waitFor({ state: 'detached' })
    await page.keyboard.press('ArrowRight')
    expect(await page.locator('.heat').count()).toBe(0)
  })

  test('without a question there is nothing to explain', async () => {
    const page = await open()
    await page.locator('.grid a').first().click()
    await page.getByText('What is it?').waitFor(WAIT)
    expect(await page.getByText('Why this picture?').count()).toBe(0)
  })

  test('everything is reached by keys', async () => {
    const page = await open()
    await page.locator('.way').first().focus()
    await page.keyboard.press('/')
    expect(await page.locator('#search:focus').count()).toBe(1)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowRight')
    const second = (await names(page))[1]
    expect(await page.locator('.grid a:focus img').getAttribute('alt')).toBe(second)
    // With Alt it is the browser's way back.
    await page.evaluate(`addEventListener('keydown', (event) => {
      if (event.altKey && event.defaultPrevented) document.title = 'taken'
    })`)
    await page.keyboard.press('Alt+ArrowRight')
    expect(await page.title()).toBe('Lucida')
    expect(await page.locator('.grid a:focus img').getAttribute('alt')).toBe(second)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('ArrowUp')
    expect(await page.locator('#search:focus').count()).toBe(1)
  })

  test('an error is said in plain words and can be got over', async () => {
    const page = await open()
    await page.route('**/v1/search', (route) => route.abort())
    await page.fill('#search', 'a boat')
    await page.getByRole('heading', { name: 'Lucida does not answer' }).waitFor(WAIT)
    await page.unroute('**/v1/search')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.locator('.grid a').first().waitFor(WAIT)
  })

  test('a picture that is gone says so', async () => {
    const page = await open(`/?view=${'0'.repeat(64)}`)
    await page.getByText('That is not here any more').waitFor(WAIT)
    expect(new URL(page.url()).search).toBe('')
  })

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
  ] as const)('no barrier in %s, %i wide', async (colorScheme, width) => {
    const page = await open('/?q=snow+-+people', {
      colorScheme,
      reducedMotion: 'reduce',
      viewport: { width, height: 800 },
    })
    await page.locator('.chip').nth(1).waitFor(WAIT)
    expect(await findBarriers(page)).toEqual([])
    await page.locator('.grid a').first().click()
    await page.getByText('Open the original').waitFor(WAIT)
    await page.getByText('What is it?').click()
    expect(await findBarriers(page)).toEqual([])
  })

  test('light or dark is kept', async () => {
    const page = await open('', { colorScheme: 'light' })
    const paper = () => page.evaluate('getComputedStyle(document.body).backgroundColor')
    const light = await paper()
    await page.getByRole('button', { name: 'Switch to dark' }).click()
    const dark = await paper()
    expect(dark).not.toBe(light)
    await page.reload()
    await page.locator('.grid a').first().waitFor(WAIT)
    expect(await paper()).toBe(dark)
  })
})

interface Canvas {
  getContext(kind: '2d'): {
    getImageData(x: number, y: number, w: number, h: number): { data: Uint8ClampedArray }
  }
}

interface DOMBox {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}
