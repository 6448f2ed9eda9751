// A real browser for the tests of the page: Debian's Chromium or whatever else is at hand.
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { describe } from 'vitest'

const PLACES = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

const executablePath = PLACES.find((path) => path && existsSync(path))

/** Starts it. Throws where there is none. */
export function openBrowser(): Promise<Browser> {
  if (!executablePath) throw new Error('No Chromium is found; CHROMIUM_PATH may name one')
  // Its sandbox cannot be set up by root, and the page under test is our own.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return chromium.launch({ executablePath, args })
}

/** Describes a suite that needs a browser, or says that there is none. */
export function describePage(name: string, suite: () => void): void {
  if (executablePath) describe(name, suite)
  else describe.skip(`${name} (skipped: no Chromium is found; CHROMIUM_PATH may name one)`, suite)
}
