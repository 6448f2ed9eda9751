// Audits as JSON and as a document, the attributes that searches can be balanced by, and model cards.
import { createRoute, z } from '@hono/zod-openapi'
import { auditHtml, readModelCard, toLabels } from '../lucida.ts'
import {
  AttributesResponse,
  AuditReport,
  AuditReportQuery,
  AuditRequest,
  ModelParams,
} from './audit-contract.ts'
import { needs } from './callers.ts'
import type { Api, ApiContext } from './context.ts'
import { filterOf } from './present.ts'
import { answers, at, errors, takes } from './route.ts'

const audit = createRoute({
  ...at('audit'),
  summary: 'Measures the bias of model and collection; one audit at a time',
  middleware: [needs('read')],
  request: { body: takes(AuditRequest) },
  responses: {
    200: answers(AuditReport, 'Figures about the whole; none about a single picture'),
    ...errors(404, 413, 415),
  },
})

const auditReport = createRoute({
  ...at('auditReport'),
  summary: 'The same as a document to look at and to print',
  middleware: [needs('read')],
  request: { query: AuditReportQuery },
  responses: {
    200: { description: 'The report', content: { 'text/html': { schema: z.string() } } },
    ...errors(404),
  },
})

const attributes = createRoute({
  ...at('attributes'),
  summary: 'What searches can be balanced by',
  middleware: [needs('read')],
  responses: { 200: answers(AttributesResponse, 'The attributes'), ...errors() },
})

const modelCard = createRoute({
  ...at('modelCard'),
  summary: 'What a model at hand was made from, what it is for, how good and how biased it is',
  middleware: [needs('read')],
  request: { params: ModelParams },
  responses: {
    200: { description: 'Markdown', content: { 'text/plain': { schema: z.string() } } },
    ...errors(404),
  },
})

/** For the types of the client. */
export const auditRoutes = { audit, auditReport, attributes, modelCard }

/** Adds the routes about bias. */
export function mountAudits(app: Api, { lucida }: ApiContext): void {
  app.openapi(audit, async (c) => {
    const { labels, filter, attributes, ...settings } = c.req.valid('json')
    const report = await lucida.audit({
      ...settings,
      ...(attributes && { attributes }),
      ...(filter && { filter }),
      // Paths are those of the server: relative ones with a folder in them are of no use.
      ...(labels && { labels: toLabels(Object.entries(labels), '/') }),
    })
    return c.json(structuredClone(report) as unknown as AuditReport, 200)
  })

  app.openapi(auditReport, async (c) => {
    const { attribute, k, target, seed, ...filter } = c.req.valid('query')
    const report = await lucida.audit({
      k,
      target,
      seed,
      filter: filterOf(filter),
      ...(attribute !== undefined && { attributes: [attribute] }),
    })
    return c.html(auditHtml(report), 200)
  })

  app.openapi(attributes, async (c) => c.json({ items: await lucida.attributes() }, 200))

  app.openapi(modelCard, async (c) => {
    const { name } = c.req.valid('param')
    return c.text(await readModelCard(name, lucida.config.modelsDir), 200)
  })
}
