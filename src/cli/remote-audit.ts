// An audit by the server that has the data directory open.
import type { Client } from '../client/client.ts'
import type { AuditCollectionOptions, AuditReport } from '../lucida.ts'
import { toFilter } from './remote-filter.ts'
import { translated } from './remote-terms.ts'

export async function auditRemotely(
  client: Client,
  { labels, filter, attributes, ...settings }: AuditCollectionOptions = {},
): Promise<AuditReport> {
  const body = {
    ...settings,
    ...(attributes && { attributes: [...attributes] }),
    ...(labels && { labels: Object.fromEntries(labels) }),
    ...(filter && { filter: toFilter(filter) }),
  }
  return (await translated(client.audit({ body }))) as unknown as AuditReport
}
