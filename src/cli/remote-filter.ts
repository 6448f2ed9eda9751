// A filter as a server takes it.
import type { Filter as ApiFilter } from '../api/contract.ts'
import type { Filter } from '../lucida.ts'

export function toFilter({ format, ...filter }: Filter): ApiFilter {
  const formats = typeof format === 'string' ? [format] : format && [...format]
  return JSON.parse(JSON.stringify({ ...filter, format: formats })) as ApiFilter
}
