// Which paths lie below no indexed folder, in SQL, for what compares all paths with all folders.

/**
 * Whether the path of this table's row lies below no root; as text, for drivers without Drizzle. The
 * query within looks at no row outside it: on a cluster paths lie elsewhere than roots.
 */
export function belowNoRoot(table: 'paths' | 'failures'): string {
  return `path in (select known.path from ${table} known
    left join roots r on starts_with(known.path, r.path)
      and (right(r.path, 1) in ('/', '\\') or substr(known.path, length(r.path) + 1, 1) in ('/', '\\'))
    where r.path is null)`
}
