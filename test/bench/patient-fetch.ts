// `fetch` for a crowded machine: a kept connection may be closed for its idleness just as it is used,
// which says nothing about the server; then it is asked once more.

/** Only where the connection was gone before there was an answer. */
export const patientFetch: typeof fetch = (input, init) =>
  fetch(input, init).catch((error: unknown) => {
    const { code } = ((error as Error).cause ?? {}) as { code?: string }
    if (code !== 'ECONNRESET' && code !== 'UND_ERR_SOCKET') throw error
    return fetch(input, init)
  })
