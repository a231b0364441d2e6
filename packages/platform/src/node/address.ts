/** `host:port` texts, with `[…]` around an IPv6 host. */
import { platformError } from '../error-codes.ts'

export interface HostAndPort {
  readonly host: string
  readonly port: number
}

/** Throws ADDRESS_INVALID. */
export function parseAddress(address: string): HostAndPort {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address)
  const port = Number(match?.[3])
  if (match === null || port > 65535) {
    throw platformError('ADDRESS_INVALID', `Write the address as host:port; it is '${address}'.`)
  }
  return { host: (match[1] ?? match[2]) as string, port }
}

export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
