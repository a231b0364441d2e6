/**
 * The REST server: routes of jobs, checkpoints, TaskManagers and the cluster, each bare and under `/v1`, errors in
 * one form.
 *
 * Paths come from rest-api's table, answers from the `*-view` files. Further routes (the SQL gateway) may be mounted
 * before it listens.
 */
import type { Configuration } from '@millrace/core'
import { type ErrorData, type MillraceError, nearestName, toErrorData } from '@millrace/core'
import { type ErrorAnswer, REST_PATHS } from '@millrace/rest-api'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { jobManagerError } from '../error-codes.ts'
import { RestOptions } from '../jobmanager-options.ts'
import { mountCheckpointRoutes } from './checkpoint-routes.ts'
import { mountClusterRoutes } from './cluster-routes.ts'
import { mountJobRoutes } from './job-routes.ts'
import type { RestContext, Route } from './route.ts'
import { mountVertexRoutes } from './vertex-routes.ts'

export type { FastifyInstance }

/** No route declares a schema: the schema compilers, half of fastify's code, are never loaded. */
const noCompiler = () => {
  throw new Error('A REST route declares a schema; the server has no schema compiler.')
}
const NO_SCHEMAS = { buildValidator: noCompiler, buildSerializer: noCompiler }

/** The server with all of the JobManager's routes, not listening yet. */
export function createRestServer(context: RestContext): FastifyInstance {
  const { configuration } = context
  const server = fastify({
    logger: false,
    bodyLimit: configuration.get(RestOptions.bodySizeMax),
    forceCloseConnections: true,
    schemaController: { compilersFactory: NO_SCHEMAS },
  })
  const allowOrigin = configuration.get(RestOptions.accessControlAllowOrigin)
  server.addHook('onSend', async (_request, reply) => {
    reply.header('access-control-allow-origin', allowOrigin)
  })
  server.setErrorHandler((error, _request, reply) => sendError(reply, asMillraceError(error)))
  server.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] as string
    const nearest = nearestName(path, Object.values(REST_PATHS))
    const error = jobManagerError('REST_PATH_NOT_FOUND', `There is no ${request.method} ${path}.`, {
      ...(nearest === undefined ? {} : { hint: `Did you mean ${nearest}?` }),
    })
    return sendError(reply, toErrorData(error))
  })
  const route: Route = (method, path, handler, status = 200) => {
    for (const prefix of ['', '/v1']) {
      server.route({
        method,
        url: prefix + path,
        handler: async (request, reply) => {
          const answer = await handler({
            parameters: request.params as Record<string, string>,
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
  mountVertexRoutes(route, context)
  return server
}

/** Binds the server to the first free port of `rest.bind-port` (or `rest.port`); resolves with host and port. */
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

function asMillraceError(thrown: unknown): ErrorData {
  const error = thrown as Partial<MillraceError> & { statusCode?: number; message: string }
  if (error.brand !== 'millrace-error' && (error.statusCode ?? 500) < 500) {
    return toErrorData(jobManagerError('REST_REQUEST_INVALID', error.message))
  }
  return toErrorData(thrown)
}

const CONFLICTS = new Set(['JOB_ALREADY_SUBMITTED', 'JOB_ALREADY_ENDED'])
const NOT_FOUND = new Set([
  'JOB_NOT_FOUND',
  'JOB_VERTEX_NOT_FOUND',
  'CHECKPOINT_UNKNOWN',
  'COORDINATOR_NOT_FOUND',
  'TASK_MANAGER_NOT_FOUND',
  'REST_PATH_NOT_FOUND',
])
const STATUS_BY_DOMAIN = { user: 400, data: 400, external: 503, internal: 500 } as const

/** The HTTP status of an error answer. */
function statusOf(error: ErrorData): number {
  if (NOT_FOUND.has(error.code)) return 404
  if (CONFLICTS.has(error.code)) return 409
  return STATUS_BY_DOMAIN[error.domain]
}

export function sendError(reply: FastifyReply, error: ErrorData): FastifyReply {
  const { stack: _, ...shown } = error
  const body: ErrorAnswer = { errors: [error.message], error: shown }
  return reply.code(statusOf(error)).send(body)
}
