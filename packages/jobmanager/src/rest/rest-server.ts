/**
 * The REST server: routes of jobs, checkpoints, TaskManagers and the cluster, each bare and under
 * `/v1`, errors in one form.
 *
 * Paths come from rest-api's table, answers from the `*-view` files. Further routes (the SQL
 * gateway) may be mounted before it listens.
 */
import { type Configuration, toErrorData } from '@millrace/core'
import { errorAnswer } from '@millrace/rest-api'
import type { FastifyInstance } from 'fastify'
import { jobManagerError } from '../error-codes.ts'
import { RestOptions } from '../jobmanager-options.ts'
import { mountAccumulatorRoutes } from './accumulator-routes.ts'
import { mountApplicationRoutes } from './application-routes.ts'
import { mountCheckpointRoutes } from './checkpoint-routes.ts'
import { mountClusterRoutes } from './cluster-routes.ts'
import { mountDatasetRoutes } from './dataset-routes.ts'
import { mountDisposalRoutes } from './disposal-routes.ts'
import { createHttpServer } from './http-server.ts'
import { mountJobOutcomeRoutes } from './job-outcome-routes.ts'
import { mountJobPlaceRoutes } from './job-place-routes.ts'
import { mountJobRoutes } from './job-routes.ts'
import { mountProcessRoutes } from './process-routes.ts'
import { requireReadableIds } from './request-ids.ts'
import { mountRequirementsRoutes } from './requirements-routes.ts'
import { mountRescaleRoutes } from './rescale-routes.ts'
import type { RestContext, Route } from './route.ts'
import { mountSavepointRoutes } from './savepoint-routes.ts'
import { mountSubtaskRoutes } from './subtask-routes.ts'
import { mountTaskManagerRoutes } from './task-manager-routes.ts'
import { mountVertexRoutes } from './vertex-routes.ts'

export type { FastifyInstance }

/** The server with all of the JobManager's routes, not listening yet. */
export function createRestServer(context: RestContext): FastifyInstance {
  const server = createHttpServer(context.configuration)
  const route: Route = (
    method,
    path,
    handler,
    { status = 200, failsInside = false, type } = {},
  ) => {
    for (const prefix of ['', '/v1']) {
      server.route({
        method,
        url: prefix + path,
        handler: async (request, reply) => {
          const parameters = request.params as Record<string, string>
          requireReadableIds(parameters)
          const query = request.query as Record<string, string>
          try {
            const answer = await handler({ parameters, query, body: request.body })
            if (type !== undefined) reply.type(type)
            return reply.code(status).send(answer)
          } catch (error) {
            if (!failsInside) throw error
            return reply.code(500).send(errorAnswer(toErrorData(error), true))
          }
        },
      })
    }
  }
  mountClusterRoutes(server, route, context)
  mountProcessRoutes(route, context)
  mountTaskManagerRoutes(route, context)
  mountApplicationRoutes(route, context)
  mountDatasetRoutes(route, context)
  mountJobRoutes(route, context)
  mountJobOutcomeRoutes(route, context)
  mountJobPlaceRoutes(route, context)
  mountCheckpointRoutes(route, context)
  mountSavepointRoutes(route, context)
  mountDisposalRoutes(route, context)
  mountRequirementsRoutes(route, context)
  mountRescaleRoutes(route, context)
  mountVertexRoutes(route, context)
  mountSubtaskRoutes(route, context)
  mountAccumulatorRoutes(route, context)
  return server
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
