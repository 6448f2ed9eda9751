// What each route takes and gives, as types, read off the definitions of the routes. For the client.
import type { z } from '@hono/zod-openapi'
import type { auditRoutes } from './audit-routes.ts'
import type { backupRoutes } from './backup-routes.ts'
import type { clipRetrievalRoutes } from './clip-retrieval-routes.ts'
import type { conceptRoutes } from './concept-routes.ts'
import type { duplicateRoutes } from './duplicate-routes.ts'
import type { encodeRoutes } from './encode-routes.ts'
import type { explainRoutes } from './explain-routes.ts'
import type { generationRoutes } from './generation-routes.ts'
import type { healthRoutes } from './health-routes.ts'
import type { imageRoutes } from './image-routes.ts'
import type { indexRoutes } from './index-routes.ts'
import type { keyRoutes } from './key-routes.ts'
import type { modelRoutes } from './model-routes.ts'
import type { openAiRoutes } from './openai-routes.ts'
import type { safetyRoutes } from './safety-routes.ts'
import type { searchRoutes } from './search-routes.ts'
import type { sessionRoutes } from './session-routes.ts'
import type { uploadRoutes } from './upload-routes.ts'

type Definitions = typeof searchRoutes &
  typeof imageRoutes &
  typeof uploadRoutes &
  typeof encodeRoutes &
  typeof auditRoutes &
  typeof explainRoutes &
  typeof safetyRoutes &
  typeof indexRoutes &
  typeof generationRoutes &
  typeof sessionRoutes &
  typeof keyRoutes &
  typeof backupRoutes &
  typeof modelRoutes &
  typeof duplicateRoutes &
  typeof conceptRoutes &
  typeof clipRetrievalRoutes &
  typeof openAiRoutes &
  typeof healthRoutes

type Schema<T> = T extends z.ZodType ? T : never

/** Numbers and lists may be given as such; the client writes them into the query string. */
type QueryOf<S extends z.ZodType> = {
  [K in keyof z.input<S>]: z.input<S>[K] | (K extends keyof z.output<S> ? z.output<S>[K] : never)
}

type Params<R> = R extends { request: { params: infer S } }
  ? { params: z.input<Schema<S>> }
  : unknown
type Query<R> = R extends { request: { query: infer S } } ? { query?: QueryOf<Schema<S>> } : unknown
type Body<R> = R extends {
  request: { body: { content: { 'application/json': { schema: infer S } } } }
}
  ? { body: z.input<Schema<S>> }
  : R extends { request: { body: unknown } }
    ? { form: FormData }
    : unknown

type Json<R> = R extends { content: { 'application/json': { schema: infer S } } }
  ? z.output<Schema<S>>
  : never
type Success<R> = R extends { responses: infer All }
  ? { [S in keyof All & (200 | 201 | 202)]: Json<All[S]> }[keyof All & (200 | 201 | 202)]
  : never

type NotJson =
  | 'thumbnail'
  | 'file'
  | 'jobEvents'
  | 'generationEvents'
  | 'candidate'
  | 'auditReport'
  | 'modelCard'
  | 'copyDatabase'

/** Routes that answer in JSON, or with nothing. */
type Called = Exclude<keyof Definitions, NotJson>

/** What each operation takes and what it gives. */
export type Operations = {
  [Name in Called]: {
    input: Params<Definitions[Name]> & Query<Definitions[Name]> & Body<Definitions[Name]>
    output: [Success<Definitions[Name]>] extends [never] ? void : Success<Definitions[Name]>
  }
}
