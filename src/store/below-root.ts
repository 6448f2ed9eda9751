// Which paths lie below an indexed folder, in SQL, for what compares all paths with all folders.

/** Whether the path of this table's row lies below a root; as text, for drivers without Drizzle. */
export function belowRoot(table: 'paths' | 'failures'): string {
  return `exists (select from roots r where starts_with(${table}.path, r.path)
    and (right(r.path, 1) in ('/', '\\') or substr(${table}.path, length(r.path) + 1, 1) in ('/', '\\')))`
}
