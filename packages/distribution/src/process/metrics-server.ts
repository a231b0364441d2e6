/**
 * The Prometheus page of a TaskManager process, on the first free port of a range: several
 * TaskManagers of one machine share a configuration. A page that cannot be served costs a warning,
 * not the TaskManager.
 */
import { createServer, type Server } from 'node:http'
import { type Configuration, configError } from '@millrace/core'
import type { Logger } from '@millrace/platform'
import { METRICS_OPTIONS } from '../registry/metrics-options.ts'

/** The ports to try, in order; none when no page is wanted. Throws CONFIG_VALUE_INVALID. */
export function metricsPorts(configuration: Configuration): number[] {
  const text = configuration.get(METRICS_OPTIONS.port).trim()
  if (text === '-1') return []
  const [first, last = first] = /^(\d+)(?:\s*-\s*(\d+))?$/.exec(text)?.slice(1) ?? []
  const [from, to] = [Number(first), Number(last)]
  if (!(from <= to && to <= 65_535)) {
    throw configError(
      'CONFIG_VALUE_INVALID',
      `Set '${METRICS_OPTIONS.port.key}' to a port or a range; it is '${text}'.`,
      { location: { optionKey: METRICS_OPTIONS.port.key }, hint: 'For example: 9249-9299' },
    )
  }
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}

export async function serveMetrics(
  ports: readonly number[],
  render: () => Promise<string>,
  logger: Logger,
): Promise<Server | null> {
  let failure: Error | null = null
  for (const port of ports) {
    const listening = await listen(pageServer(render), port)
    if (!(listening instanceof Error)) return listening
    failure = listening
  }
  if (failure !== null) {
    logger.warn(
      `No Prometheus page: ${failure.message}. Set '${METRICS_OPTIONS.port.key}' to a free port.`,
    )
  }
  return null
}

function pageServer(render: () => Promise<string>): Server {
  return createServer((request, response) => {
    if (request.url !== '/metrics' && request.url !== '/') {
      response.writeHead(404).end()
      return
    }
    render().then(
      (text) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(text),
      (error: Error) => response.writeHead(500).end(error.message),
    )
  })
}

function listen(server: Server, port: number): Promise<Server | Error> {
  return new Promise((resolve) => {
    server.once('error', resolve)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
