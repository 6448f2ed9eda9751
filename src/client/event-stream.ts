// Server-sent events from a response's body (WHATWG HTML, section 9.2), as far as the API uses them.

/** One event. */
export interface StreamedEvent {
  readonly event: string
  readonly data: string
}

/** The events, until the stream ends. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamedEvent> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  try {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      text += decoder.decode(value, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop()!
      for (const block of blocks) {
        const parsed = parseBlock(block)
        if (parsed) yield parsed
      }
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** Nothing for a comment, which only keeps the connection alive. */
function parseBlock(block: string): StreamedEvent | undefined {
  let event = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? []
    if (name === 'event') event = value!
    if (name === 'data') data.push(value!)
  }
  return data.length > 0 ? { event, data: data.join('\n') } : undefined
}
