// A real browser: Chromium from Debian, and pages whose every complaint is kept.

import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { debianProgram } from '../../tools/parts/debian.ts'

export const chromiumProgram = (): Promise<string> => debianProgram('chromium')

/** No sandbox: it does not start for root, and shows pages of ours alone. */
export const startBrowser = (executablePath: string): Promise<Browser> =>
  chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })

export interface Tab {
  readonly page: Page
  /** Errors of scripts, and what the page's own policy forbade. */
  readonly complaints: readonly string[]
}

export async function openTab(browser: Browser, options: BrowserContextOptions = {}): Promise<Tab> {
  const page = await browser.newPage({ viewport: { width: 1200, height: 800 }, ...options })
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  return { page, complaints }
}
