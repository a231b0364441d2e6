/**
 * The REST server: routes of jobs, checkpoints, TaskManagers and the cluster, each bare and under
 * `/v1`, errors in one form.
 *
 * Paths come from rest-api's table, answers from the `*-view` files. Further routes (the SQL
 * gateway) may be mounted before it listens.
 */
import { type Configuration, nearestName } from '@millrace/core'
import { REST_PATHS } from '@millrace/rest-api'
import type { FastifyInstance } from 'fastify'
import { jobManagerError } from '../error-codes.ts'
import { RestOptions } from '../jobmanager-options.ts'
import { mountCheckpointRoutes } from './checkpoint-routes.ts'
import { mountClusterRoutes } from './cluster-routes.ts'
import { mountDisposalRoutes } from './disposal-routes.ts'
import { createHttpServer } from './http-server.ts'
import { mountJobRoutes } from './job-routes.ts'
import { mountRequirementsRoutes } from './requirements-routes.ts'
import { mountRescaleRoutes } from './rescale-routes.ts'
import type { RestContext, Route } from './route.ts'
import { mountSavepointRoutes } from './savepoint-routes.ts'
import { mountVertexRoutes } from './vertex-routes.ts'

export type { FastifyInstance }

/** The server with all of the JobManager's routes, not listening yet. */
export function createRestServer(context: RestContext): FastifyInstance {
  const server = createHttpServer(context.configuration)
  const route: Route = (method, path, handler, status = 200) => {
    for (const prefix of ['', '/v1']) {
      server.route({
        method,
        url: prefix + path,
        handler: async (request, reply) => {
          const parameters = request.params as Record<string, string>
          requireJobId(parameters.jobid)
          const answer = await handler({
            parameters,
            query: request.query as Record<string, string>,
            body: request.body,
          })
          return reply.code(status).send(answer)
        },
      })
    }
  }
  mountClusterRoutes(server, route, context)
  mountJobRoutes(route, context)
  mountCheckpointRoutes(route, context)
  mountSavepointRoutes(route, context)
  mountDisposalRoutes(route, context)
  mountRequirementsRoutes(route, context)
  mountRescaleRoutes(route, context)
  mountVertexRoutes(route, context)
  return server
}

/** What is no id at all is not looked up: 400, as from the reference; an unknown one is 404. */
function requireJobId(given: string | undefined): void {
  if (given === undefined || /^[0-9a-f]{32}$/i.test(given)) return
  const below = Object.values(REST_PATHS).filter((path) => path.startsWith(`${REST_PATHS.jobs}/`))
  const nearest = nearestName(`${REST_PATHS.jobs}/${given}`, below)
  const hint = `Did you mean ${nearest}?`
  throw jobManagerError(
    'REST_REQUEST_INVALID',
    `Give the id of a job, 32 hexadecimal digits; it is '${given}'.`,
    { hint: nearest === undefined ? 'List the jobs with: npx millrace list.' : hint },
  )
}

/**
 * Binds the server to the first free port of `rest.bind-port` (or `rest.port`); resolves with
 * host and port.
 */
export async function listenRest(
  server: FastifyInstance,
  configuration: Configuration,
): Promise<string> {
  const host = configuration.get(RestOptions.bindAddress)
  const ports = portsOf(
    configuration.get(RestOptions.bindPort) ?? String(configuration.get(RestOptions.port)),
  )
  let cause: unknown
  for (const port of ports) {
    try {
      await server.listen({ host, port })
      const bound = server.server.address()
      const shown = configuration.has(RestOptions.address)
        ? configuration.get(RestOptions.address)
        : host
      return `${shown}:${typeof bound === 'object' ? bound?.port : port}`
    } catch (error) {
      cause = error
      if ((error as { code?: string }).code !== 'EADDRINUSE') break
    }
  }
  const { code, message } = cause as { code?: string; message: string }
  throw jobManagerError(
    'REST_PORT_UNAVAILABLE',
    `The REST server cannot listen on ${host}:${ports[0]}: ${code === 'EADDRINUSE' ? 'the port is in use' : message}.`,
    {
      hint: `Set '${RestOptions.port.key}' to a free port (0 picks one), or stop the process that uses it.`,
      location: { optionKey: RestOptions.port.key },
      cause,
    },
  )
}

/** `8081`, `8081,8082` or `50100-50200`. */
function portsOf(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [from, to] = part.split('-').map((number) => Number(number.trim()))
    const valid = (port: number | undefined) =>
      port !== undefined && Number.isInteger(port) && port >= 0 && port <= 65535
    if (!valid(from) || (to !== undefined && !valid(to))) {
      throw jobManagerError(
        'REST_PORT_UNAVAILABLE',
        `Set '${RestOptions.bindPort.key}' to a port, a list or a range; it is '${text}'.`,
        {
          hint: 'For example: 8081, or 50100-50200.',
          location: { optionKey: RestOptions.bindPort.key },
        },
      )
    }
    const first = from as number
    return Array.from({ length: Math.max(1, (to ?? first) - first + 1) }, (_, i) => first + i)
  })
}
