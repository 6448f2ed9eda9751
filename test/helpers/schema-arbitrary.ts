// Values for a JSON Schema: mostly such as it allows, and now and then something else altogether.
import * as fc from 'fast-check'
import type { JsonSchema } from './openapi.ts'

/** Texts that have broken programs before. */
const NASTY = [
  '',
  ' ',
  '\u0000',
  '\uD800',
  '🦊',
  "'; drop table paths; --",
  '../../etc/passwd',
  'NaN',
]

/** How a fuzzer fills in what the schema leaves open. */
export interface Hints {
  /** Values worth trying for a field of this name. */
  readonly [name: string]: readonly unknown[]
}

/** Values for `schema`; about one in twelve parts of them does not fit it. */
export function valuesOf(schema: JsonSchema, hints: Hints, name = ''): fc.Arbitrary<unknown> {
  const fitting = hints[name]
    ? fc.oneof(fc.constantFrom(...hints[name]), fittingOf(schema, hints))
    : fittingOf(schema, hints)
  return fc.oneof({ weight: 11, arbitrary: fitting }, { weight: 1, arbitrary: anything() })
}

function anything(): fc.Arbitrary<unknown> {
  return fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom<unknown>(...NASTY, 1e308, -1))
}

function fittingOf(schema: JsonSchema, hints: Hints): fc.Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => valuesOf(one, hints)))
  const types = [schema.type ?? 'object'].flat()
  return fc.oneof(...types.map((type) => ofType(type, schema, hints)))
}

function ofType(type: string, schema: JsonSchema, hints: Hints): fc.Arbitrary<unknown> {
  const { minimum = -1000, maximum = 1000 } = schema
  switch (type) {
    case 'integer':
      return fc.integer({ min: Math.ceil(minimum), max: Math.floor(Math.max(minimum, maximum)) })
    case 'number':
      return fc.double({ min: minimum, max: Math.max(minimum, maximum), noNaN: true })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array': {
      const { items = {}, minItems = 0, maxItems = 4 } = schema
      const length = { minLength: Math.min(minItems, 4), maxLength: Math.min(maxItems, 4) }
      return fc.array(valuesOf(items, hints), length)
    }
    case 'string':
      return fc.oneof(
        fc.string({ maxLength: 30, unit: 'grapheme' }),
        fc.constantFrom(...NASTY),
        ...(schema.pattern === '^[0-9a-f]{64}$'
          ? [fc.stringMatching(/^[0-9a-f]{64}$/), fc.stringMatching(/^[0-9a-f]{64}$/)]
          : []),
      )
    default:
      return objectOf(schema, hints)
  }
}

function objectOf(
  { properties = {}, required = [] }: JsonSchema,
  hints: Hints,
): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, one]) => [name, valuesOf(one, hints, name)]),
  )
  return fc.record(fields, { requiredKeys: [...required] })
}
