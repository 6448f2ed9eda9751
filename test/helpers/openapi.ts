// The OpenAPI document of a running API: its operations, and checks of answers against it.
import { z } from 'zod'
import type { TestApi } from './api.ts'

/** A JSON Schema, as far as the document uses it. */
export interface JsonSchema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly JsonSchema[]
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly pattern?: string
  readonly format?: string
}

/** One operation of the document. */
export interface Operation {
  readonly operationId: string
  readonly method: string
  readonly path: string
  readonly parameters: readonly {
    readonly name: string
    readonly in: 'path' | 'query'
    readonly required?: boolean
    readonly schema: JsonSchema
  }[]
  readonly body: JsonSchema | undefined
  readonly responses: Readonly<Record<string, { content?: Record<string, { schema: JsonSchema }> }>>
}

/** The document's operations with all references resolved. */
export async function readOperations(api: TestApi): Promise<Operation[]> {
  const document = await api.json<{
    paths: Record<string, Record<string, Record<string, unknown>>>
    components: { schemas: Record<string, JsonSchema> }
  }>('/openapi.json')
  const resolve = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(resolve)
    if (node === null || typeof node !== 'object') return node
    const { $ref } = node as JsonSchema
    if ($ref) return resolve(document.components.schemas[$ref.split('/').at(-1)!])
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, resolve(value)]))
  }
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, found]) => {
      const { operationId, parameters, requestBody, responses } = resolve(found) as {
        operationId: string
        parameters?: Operation['parameters']
        requestBody?: { content: Record<string, { schema: JsonSchema }> }
        responses: Operation['responses']
      }
      return {
        operationId,
        method,
        path,
        parameters: parameters ?? [],
        body: Object.values(requestBody?.content ?? {})[0]?.schema,
        responses,
      }
    }),
  )
}

/**
 * What is wrong with an answer: its status is not in the document, or its body is not as it says.
 * Reads the body to its end.
 */
export async function mismatch(operation: Operation, answer: Response): Promise<string | null> {
  const documented = operation.responses[answer.status]
  if (!documented) return `status ${answer.status} is not documented: ${await answer.text()}`
  const type = answer.headers.get('content-type')?.split(';')[0] ?? ''
  const schema = documented.content?.[type]?.schema
  if (type !== 'application/json') {
    await answer.arrayBuffer()
    const types = Object.keys(documented.content ?? {})
    const isKnown = types.length === 0 || types.some((one) => matches(one, type))
    return isKnown ? null : `content type ${type} is not documented`
  }
  if (!schema) return `JSON is not documented for ${answer.status}`
  const parsed = z
    .fromJSONSchema(strict(schema) as Parameters<typeof z.fromJSONSchema>[0])
    .safeParse(await answer.json())
  return parsed.success ? null : z.prettifyError(parsed.error)
}

function matches(pattern: string, type: string): boolean {
  return pattern === type || (pattern.endsWith('/*') && type.startsWith(pattern.slice(0, -1)))
}

/** What the document does not name is a mistake in an answer, though clients should not mind. */
function strict(schema: JsonSchema): JsonSchema {
  const { properties, items, anyOf } = schema
  return {
    ...schema,
    ...(properties && {
      additionalProperties: false,
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, one]) => [name, strict(one)]),
      ),
    }),
    ...(items && { items: strict(items) }),
    ...(anyOf && { anyOf: anyOf.map(strict) }),
  }
}
