/**
 * Places: fixed addresses that one process after another of the same role takes, each behind
 * proxies of its own.
 *
 * A process binds its ports on one loopback address and is known to the others by the same ports on
 * another one, where a proxy listens for each: so every connection between processes passes a
 * proxy, and the product needs no option for it.
 */
import { createServer } from 'node:net'
import { type Address, TcpProxy } from './tcp-proxy.ts'

export const BIND_HOST = '127.0.0.1'
/** Linux answers on all of 127.0.0.0/8; elsewhere the second address has to be added first. */
export const KNOWN_HOST = '127.0.0.2'
const PORT_MIN = 20_000
const PORTS_MAX = 12_000
const TRIES_MAX = 200

export type Role = 'jobmanager' | 'taskmanager'

export interface Place {
  readonly role: Role
  readonly properties: Readonly<Record<string, string>>
  readonly proxies: readonly TcpProxy[]
}

function canListen(at: Address): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRNOTAVAIL') {
        reject(
          new Error(
            `This machine has no loopback address ${at.host}, which the proxies need; add it (macOS: sudo ifconfig lo0 alias ${at.host}).`,
          ),
        )
      } else resolve(false)
    })
    server.listen(at.port, at.host, () => server.close(() => resolve(true)))
  })
}

/**
 * The first of `count` ports in a row that are free on both addresses, below the range that the
 * system deals out.
 */
export async function freePorts(count: number): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const first = PORT_MIN + Math.floor(Math.random() * (PORTS_MAX - count))
    let free = true
    for (let port = first; free && port < first + count; port++) {
      free =
        (await canListen({ host: BIND_HOST, port })) &&
        (await canListen({ host: KNOWN_HOST, port }))
    }
    if (free) return first
  }
  throw new Error(`Found no ${count} free ports in a row from ${PORT_MIN} on.`)
}

export function proxyOf(port: number): Promise<TcpProxy> {
  return TcpProxy.listen({ host: KNOWN_HOST, port }, { host: BIND_HOST, port })
}

export async function openPlace(role: Role, slots: number): Promise<Place> {
  const count = role === 'jobmanager' ? 1 : 1 + slots
  const first = await freePorts(count)
  const proxies: TcpProxy[] = []
  for (let port = first; port < first + count; port++) proxies.push(await proxyOf(port))
  const properties: Record<string, string> =
    role === 'jobmanager'
      ? {
          'jobmanager.rpc.address': KNOWN_HOST,
          'jobmanager.bind-host': BIND_HOST,
          'high-availability.jobmanager.port': String(first),
        }
      : {
          'taskmanager.host': KNOWN_HOST,
          'taskmanager.bind-host': BIND_HOST,
          'taskmanager.rpc.port': String(first),
          'taskmanager.data.port': String(first + 1),
        }
  return { role, properties, proxies }
}
