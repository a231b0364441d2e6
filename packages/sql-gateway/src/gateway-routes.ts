/**
 * The SQL gateway over HTTP: REST v4 paths and fields of the reference gateway, bare and under /v1 … /v4.
 *
 * Mounted on any fastify server by a composition root; holds no state of its own.
 */
import { type ErrorData, toErrorData } from '@millrace/core'
import type { ExecuteStatementRequest, OpenSessionRequest, SqlGateway } from '@millrace/rest-api'
import type { FastifyInstance, FastifyReply } from 'fastify'

const VERSIONS = ['', '/v1', '/v2', '/v3', '/v4']

interface SessionParams {
  session: string
}
interface OperationParams extends SessionParams {
  operation: string
}

/** Mounts the routes. */
export function registerGatewayRoutes(server: FastifyInstance, gateway: SqlGateway): void {
  for (const version of VERSIONS) {
    registerSessionRoutes(server, gateway, version)
    registerOperationRoutes(server, gateway, version)
  }
}

function registerSessionRoutes(server: FastifyInstance, gateway: SqlGateway, v: string): void {
  server.get(`${v}/info`, () => ({ productName: 'Millrace', version: '0.1.0' }))
  server.get(`${v}/api_versions`, () => ({ versions: ['V1', 'V2', 'V3', 'V4'] }))
  server.post<{ Body: OpenSessionRequest | null }>(`${v}/sessions`, (request, reply) =>
    answer(reply, () => gateway.openSession(request.body ?? {})),
  )
  server.get<{ Params: SessionParams }>(`${v}/sessions/:session`, (request, reply) =>
    answer(reply, () => gateway.sessionConfig(request.params.session)),
  )
  server.delete<{ Params: SessionParams }>(`${v}/sessions/:session`, (request, reply) =>
    answer(reply, async () => {
      await gateway.closeSession(request.params.session)
      return { status: 'CLOSED' }
    }),
  )
  server.post<{ Params: SessionParams }>(`${v}/sessions/:session/heartbeat`, (request, reply) =>
    answer(reply, async () => {
      await gateway.sessionConfig(request.params.session)
      return {}
    }),
  )
  server.post<{ Params: SessionParams; Body: ExecuteStatementRequest }>(
    `${v}/sessions/:session/configure-session`,
    (request, reply) =>
      answer(reply, async () => {
        const { session } = request.params
        const { operationHandle } = await gateway.execute(session, request.body)
        let page = await gateway.fetchResults(session, operationHandle, 0, 1000)
        while (page.resultType === 'NOT_READY') {
          page = await gateway.fetchResults(session, operationHandle, 0, 1000)
        }
        await gateway.closeOperation(session, operationHandle)
        return {}
      }),
  )
  server.get<{ Params: SessionParams; Querystring: { statement?: string; position?: string } }>(
    `${v}/sessions/:session/complete-statement`,
    (request, reply) =>
      answer(reply, () => {
        const { statement = '', position } = request.query
        const at = position === undefined ? statement.length : Number(position)
        return gateway.complete(request.params.session, statement, at)
      }),
  )
}

function registerOperationRoutes(server: FastifyInstance, gateway: SqlGateway, v: string): void {
  const base = `${v}/sessions/:session/operations/:operation`
  server.post<{ Params: SessionParams; Body: ExecuteStatementRequest }>(
    `${v}/sessions/:session/statements`,
    (request, reply) => answer(reply, () => gateway.execute(request.params.session, request.body)),
  )
  server.get<{ Params: OperationParams }>(`${base}/status`, (request, reply) =>
    answer(reply, () => gateway.status(request.params.session, request.params.operation)),
  )
  server.post<{ Params: OperationParams }>(`${base}/cancel`, (request, reply) =>
    answer(reply, () => gateway.cancel(request.params.session, request.params.operation)),
  )
  server.delete<{ Params: OperationParams }>(`${base}/close`, (request, reply) =>
    answer(reply, async () => {
      await gateway.closeOperation(request.params.session, request.params.operation)
      return { status: 'CLOSED' }
    }),
  )
  server.get<{
    Params: OperationParams & { token: string }
    Querystring: { rowFormat?: string; waitMs?: string }
  }>(`${base}/result/:token`, (request, reply) =>
    answer(reply, async () => {
      const { session, operation, token } = request.params
      const waitMs = Number(request.query.waitMs ?? 0)
      const page = await gateway.fetchResults(session, operation, Number(token), waitMs)
      const next = page.resultType === 'NOT_READY' ? Number(token) : page.nextToken
      if (next === undefined) return page
      const path = `/sessions/${session}/operations/${operation}/result/${next}`
      return { ...page, nextResultUri: `${v}${path}?rowFormat=JSON` }
    }),
  )
}

/** Answers with the promise's value, or with the error's object and the status that fits. */
async function answer(reply: FastifyReply, act: () => Promise<unknown>): Promise<unknown> {
  try {
    return await act()
  } catch (thrown) {
    const error = toErrorData(thrown)
    reply.code(httpStatusOf(error))
    const { stack: _stack, ...shown } = error
    return { errors: [error.message], error: shown }
  }
}

function httpStatusOf(error: ErrorData): number {
  if (error.code === 'SESSION_NOT_FOUND' || error.code === 'OPERATION_NOT_FOUND') return 404
  if (error.domain === 'user' || error.domain === 'data') return 400
  return error.domain === 'external' ? 503 : 500
}
