// The report as a document: whatever labels are called, it holds no markup but its own.
import { expect, test } from 'vitest'
import { runAudit } from '../../src/audit/audit.ts'
import { auditHtml } from '../../src/audit/report-html.ts'
import { plant } from '../helpers/planted.ts'

test('labels are texts, and nothing is fetched or run', async () => {
  const { context, terms, values } = await plant({ seed: 2, lean: 1 })
  const names = ['<img src=x onerror=alert(1)>', '"quoted" & more']
  const labels = new Map([...values].map(([content, value]) => [content, names[value]!]))
  const html = auditHtml(
    await runAudit(context, terms, { permutations: 99, resamples: 100, labels }),
  )
  expect(html).not.toContain('<img')
  expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;')
  expect(html).toContain('&quot;quoted&quot; &amp; more')
  expect(html).not.toMatch(/<(script|link|iframe|object)\b|<[^>]*\s(src|href)=/i)
  expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
  // As many opened as closed, of what is drawn and tabled.
  for (const tag of ['svg', 'table', 'section', 'tr']) {
    const count = (pattern: string) => html.match(new RegExp(pattern, 'g'))?.length ?? 0
    expect(count(`<${tag}[ >]`), tag).toBe(count(`</${tag}>`))
    expect(count(`<${tag}[ >]`), tag).toBeGreaterThan(1)
  }
})

test('what is not measured says why', async () => {
  const { context, terms, values } = await plant({ seed: 2, lean: 0 })
  const few = [...values.keys()].slice(0, 20)
  const html = auditHtml(
    await runAudit({ ...context, contents: few }, terms, { permutations: 99, resamples: 100 }),
  )
  expect(html).toContain('Not measured. Only 20 pictures have a value')
})
