/**
 * Ports for processes that are started with a port they are told. They lie below the range from
 * which a system deals out ports of outgoing connections (Linux: 32768 to 60999): a port from there
 * that is free now may belong to somebody's connection by the time the process listens.
 */
import { createServer } from 'node:net'

const PORT_MIN = 10_000
const PORTS = 10_000
/** Apart from each other where process ids follow each other; prime, so that all are reached. */
const STRIDE = 97

let next = (process.pid * STRIDE) % PORTS

/**
 * A TCP port on loopback that was free just now; none that this process was given before.
 * Rejects when there is none in the whole range.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS; tries++) {
    const port = PORT_MIN + next
    next = (next + 1) % PORTS
    if (await canListen(port)) return port
  }
  throw new Error(`No port from ${PORT_MIN} to ${PORT_MIN + PORTS - 1} is free on 127.0.0.1.`)
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
