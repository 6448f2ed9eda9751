// Where the server of a data directory listens for the same user's other processes: a socket in the
// directory, or in /tmp where the directory's name is too long for one.
import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { sha256 } from './hash.ts'

/** sockaddr_un holds 104 bytes on macOS (108 on Linux), the closing zero included. */
export const MAX_SOCKET_PATH_BYTES = 103

/** The path of the server's socket, or of its pipe on Windows; null when there is no directory. */
export function serverSocket(directory: string): string | null {
  let real: string
  try {
    // One directory, one socket, whatever links lead to it.
    real = realpathSync(directory)
  } catch {
    return null
  }
  const short = sha256(process.platform === 'win32' ? real.toLowerCase() : real).slice(0, 16)
  if (process.platform === 'win32') return `\\\\.\\pipe\\lucida-${short}-server`
  const inside = join(real, 'server.sock')
  return Buffer.byteLength(inside) <= MAX_SOCKET_PATH_BYTES
    ? inside
    : `/tmp/lucida-${short}-server.sock`
}
