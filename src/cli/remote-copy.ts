// A copy of the embedded database by the server that has it open.
import { readEvents } from '../client/event-stream.ts'
import { ROUTES } from '../client/routes.ts'
import { lucidaError } from './remote-terms.ts'

/** A folder that is there until `done`, or until this process ends. */
export interface DatabaseCopy {
  readonly folder: string
  done(): Promise<unknown>
}

/** Asks for it; throws what the server throws. */
export async function copyRemotely(send: typeof fetch): Promise<DatabaseCopy> {
  const [method, path] = ROUTES.copyDatabase
  const answer = await send(`http://localhost${path}`, {
    method: method.toUpperCase(),
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  if (!answer.ok) {
    const { error } = (await answer.json()) as { error: { code: string; message: string } }
    throw lucidaError(error)
  }
  const events = readEvents(answer.body!)
  const { value: first } = await events.next()
  if (!first) throw lucidaError({ code: 'database_busy', message: 'The server is closing' })
  const { folder } = JSON.parse(first.data) as { folder: string }
  return { folder, done: () => events.return(undefined) }
}
