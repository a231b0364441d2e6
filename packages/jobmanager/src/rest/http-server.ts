/**
 * The HTTP server under REST and SQL gateway, without routes: how bodies are read and
 * errors answered.
 *
 * Bodies are JSON whatever their content type says, and an empty one is none, also of a GET:
 * clients of the reference engine send `{}` with every GET, a content type without a body, and
 * bodies as form data (`curl -d`).
 */
import {
  type Configuration,
  type ErrorData,
  type MillraceError,
  nearestName,
  toErrorData,
} from '@millrace/core'
import { errorAnswer, REST_PATHS } from '@millrace/rest-api'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { jobManagerError } from '../error-codes.ts'
import { RestOptions } from '../jobmanager-options.ts'

/** No route declares a schema: the schema compilers, half of fastify's code, are never loaded. */
const noCompiler = () => {
  throw new Error('A REST route declares a schema; the server has no schema compiler.')
}
const NO_SCHEMAS = { buildValidator: noCompiler, buildSerializer: noCompiler }

export function createHttpServer(configuration: Configuration): FastifyInstance {
  const server = fastify({
    logger: false,
    bodyLimit: configuration.get(RestOptions.bodySizeMax),
    forceCloseConnections: true,
    schemaController: { compilersFactory: NO_SCHEMAS },
    // What is wrong before there is a route: a path with broken escapes.
    frameworkErrors: (error, _request, reply) => sendError(reply, asMillraceError(error)),
  })
  server.addHttpMethod('GET', { hasBody: true, overrideExisting: true })
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, (text as string).trim() === '' ? null : JSON.parse(text as string))
    } catch (cause) {
      const expected = `Send a body of JSON; ${(cause as Error).message}.`
      done(jobManagerError('REST_REQUEST_INVALID', expected))
    }
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
  return server
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
  'JOB_SUBTASK_NOT_FOUND',
  'ATTEMPT_NOT_FOUND',
  'LOG_NOT_FOUND',
  'CHECKPOINT_UNKNOWN',
  'OPERATION_UNKNOWN',
  'RESCALES_UNAVAILABLE',
  'SCHEDULER_NOT_ADAPTIVE',
  'RESCALE_UNKNOWN',
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
  return reply.code(statusOf(error)).send(errorAnswer(error))
}
