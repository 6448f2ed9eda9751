// The reference at /docs: the OpenAPI document as a page, rendered here, with nothing from elsewhere.
import { html, raw } from 'hono/html'
import type { Api } from './context.ts'
import { PAGE_POLICY } from './page.ts'

/** The parts of an OpenAPI document that the page shows. */
interface Document {
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> }
}
interface Operation {
  readonly summary?: string
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly schema: Schema
    readonly description?: string | undefined
  }[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, { description: string; content?: Content }>>
}
type Content = Readonly<Record<string, { readonly schema: Schema }>>
interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly description?: string | undefined
  readonly enum?: readonly unknown[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly default?: unknown
  readonly minimum?: number
  readonly maximum?: number
}

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0 auto; max-width: 60rem; padding: 1rem }
h2 { border-bottom: 1px solid; padding-top: 1rem; font-size: 1.1rem }
code, pre { font: 0.9em ui-monospace, monospace }
b { display: inline-block; min-width: 4em; text-transform: uppercase }
table { border-collapse: collapse; width: 100% }
td, th { border-top: 1px solid #8884; padding: 0.25rem 0.5rem; text-align: left; vertical-align: top }
td:first-child { white-space: nowrap }
`

/** Adds the page and its style. */
export function mountDocs(app: Api, describeApi: () => unknown): void {
  let page: string | undefined
  app.get('/docs', async (c) => {
    page ??= String(await render(describeApi() as Document))
    return c.html(page, 200, {
      'content-security-policy': PAGE_POLICY,
      'cache-control': 'no-cache',
    })
  })
  app.get('/docs/style.css', (c) => c.body(STYLE, 200, { 'content-type': 'text/css' }))
}

function render({ info, paths, components }: Document) {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  )
  const schemas = Object.entries(components?.schemas ?? {})
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${info.title} API ${info.version}</title>
        <link rel="stylesheet" href="/docs/style.css" />
      </head>
      <body>
        <main>
          <h1>${info.title} API ${info.version}</h1>
          <p>The same for programs: <a href="/openapi.json">openapi.json</a>.</p>
          ${operations.map(renderOperation)}
          <h1>Shapes</h1>
          ${schemas.map(
            ([name, schema]) =>
              html`<h2 id="${name}">${name}</h2>
                <p>${schema.description ?? ''}</p>
                ${renderSchema(schema)}`,
          )}
        </main>
      </body>
    </html>`
}

function renderOperation(at: { method: string; path: string; operation: Operation }) {
  const { summary, parameters = [], requestBody, responses } = at.operation
  const rows = parameters.map((given) => ({
    name: given.name,
    what: `${given.in}${given.required ? ', required' : ''}`,
    schema: { ...given.schema, description: given.description ?? given.schema.description },
  }))
  return html`<section>
    <h2><b>${at.method}</b> <code>${at.path}</code></h2>
    <p>${summary ?? ''}</p>
    ${rows.length > 0 ? renderFields(rows) : ''}
    ${requestBody ? html`<p>Takes ${renderContent(requestBody.content)}</p>` : ''}
    <table>
      ${Object.entries(responses).map(
        ([status, { description, content }]) =>
          html`<tr>
            <td>${status}</td>
            <td>${description} ${content ? renderContent(content) : ''}</td>
          </tr>`,
      )}
    </table>
  </section>`
}

function renderContent(content: Content) {
  return Object.entries(content).map(
    ([type, { schema }]) => html`<code>${type}</code>: ${renderType(schema)} `,
  )
}

function renderSchema(schema: Schema): ReturnType<typeof html> {
  if (!schema.properties) return html`<p>${renderType(schema)}</p>`
  const required = new Set(schema.required)
  return renderFields(
    Object.entries(schema.properties).map(([name, field]) => ({
      name,
      what: required.has(name) ? 'always' : 'optional',
      schema: field,
    })),
  )
}

function renderFields(rows: readonly { name: string; what: string; schema: Schema }[]) {
  return html`<table>
    ${rows.map(
      ({ name, what, schema }) =>
        html`<tr>
          <td><code>${name}</code></td>
          <td>${what}</td>
          <td>${renderType(schema)} ${schema.description ?? ''}</td>
        </tr>`,
    )}
  </table>`
}

function renderType(schema: Schema): ReturnType<typeof html> {
  const { $ref, anyOf, items, type, format, minimum, maximum, properties } = schema
  if ($ref) {
    const name = $ref.split('/').at(-1)!
    return html`<a href="#${name}">${name}</a>`
  }
  if (anyOf) return html`${anyOf.map((each, i) => html`${i > 0 ? ' or ' : ''}${renderType(each)}`)}`
  if (items) return html`list of ${renderType(items)}`
  if (properties) {
    const names = Object.entries(properties)
    return html`{ ${names.map(([name, field], i) => html`${i > 0 ? ', ' : ''}${name}: ${renderType(field)}`)} }`
  }
  const kind = [type ?? 'anything'].flat().join(' or ')
  const bounds = minimum === undefined ? '' : ` ${minimum} to ${maximum ?? '…'}`
  const choices = schema.enum ? ` (${schema.enum.join(', ')})` : ''
  const fallback =
    schema.default === undefined ? '' : `, ${JSON.stringify(schema.default)} by default`
  return html`<code>${kind}${format ? raw(' ') : ''}${format ?? ''}</code>${choices}${bounds}${fallback}.`
}
