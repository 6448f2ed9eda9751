// Collects the text of every statement that the program sends through Drizzle, on any engine.
import { PgDialect } from 'drizzle-orm/pg-core'

/** Texts since `collectStatements` was called first, each once, with one row of values for many. */
export const sentStatements = new Set<string>()

let isCollecting = false

/** Begins to collect; there is no end to it in this process. */
export function collectStatements(): void {
  if (isCollecting) return
  isCollecting = true
  PgDialect.prototype.sqlToQuery = new Proxy(PgDialect.prototype['sqlToQuery'], {
    apply(original, dialect, args: Parameters<PgDialect['sqlToQuery']>) {
      const query = Reflect.apply(original, dialect, args)
      sentStatements.add(shortened(query.sql))
      return query
    },
  })
}

function shortened(text: string): string {
  return text
    .replaceAll(/\$\d+/g, '$1')
    .replaceAll(/(\([^()]*\))(, \1)+/g, '$1')
    .replaceAll(/\(\$1(, \$1)+\)/g, '($1)')
}
