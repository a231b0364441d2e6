/**
 * The SQL gateway over HTTP: REST v4 paths and fields of the reference gateway, bare and
 * under /v1 … /v4.
 *
 * Mounted on any fastify server by a composition root; holds no state of its own. Statuses are
 * the reference's: 400 for what cannot be read, 500 for whatever else goes wrong, an unknown
 * handle among it.
 */
import { isMillraceError, toErrorData } from '@millrace/core'
import {
  errorAnswer,
  type FetchResultsResponse,
  type RowFormat,
  type SqlGateway,
} from '@millrace/rest-api'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { gatewayError } from './error-codes.ts'
import { completeRequest, openSessionRequest, statementRequest } from './request-bodies.ts'
import { toWire } from './result/row-format.ts'

const VERSIONS = ['', '/v1', '/v2', '/v3', '/v4']
/** Results have no row format to choose before the second version. */
const WITHOUT_ROW_FORMAT = '/v1'
const WITHOUT_COMPLETION = '/v1'

interface SessionParams {
  session: string
}
interface OperationParams extends SessionParams {
  operation: string
}
type ResultParams = OperationParams & { token: string }

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
  server.post(`${v}/sessions`, (request, reply) =>
    answer(reply, async () => gateway.openSession(openSessionRequest(request.body))),
  )
  server.get<{ Params: SessionParams }>(`${v}/sessions/:session`, (request, reply) =>
    answer(reply, () => gateway.sessionConfig(sessionOf(request.params))),
  )
  server.delete<{ Params: SessionParams }>(`${v}/sessions/:session`, (request, reply) =>
    answer(reply, async () => {
      await gateway.closeSession(sessionOf(request.params))
      return { status: 'CLOSED' }
    }),
  )
  server.post<{ Params: SessionParams }>(`${v}/sessions/:session/heartbeat`, (request, reply) =>
    answer(reply, async () => {
      await gateway.sessionConfig(sessionOf(request.params))
      return {}
    }),
  )
  server.post<{ Params: SessionParams }>(
    `${v}/sessions/:session/configure-session`,
    (request, reply) =>
      answerStatement(reply, async () => {
        await gateway.configure(sessionOf(request.params), statementRequest(request.body))
        return {}
      }),
  )
  if (v === WITHOUT_COMPLETION) return
  server.get<{ Params: SessionParams }>(
    `${v}/sessions/:session/complete-statement`,
    (request, reply) =>
      answer(reply, async () => {
        // The reference reads a GET's body; ours sends a query, since fetch allows no such body.
        const { statement, position } = completeRequest(request.body ?? request.query)
        return gateway.complete(sessionOf(request.params), statement, position)
      }),
  )
}

function registerOperationRoutes(server: FastifyInstance, gateway: SqlGateway, v: string): void {
  const base = `${v}/sessions/:session/operations/:operation`
  server.post<{ Params: SessionParams }>(`${v}/sessions/:session/statements`, (request, reply) =>
    answerStatement(reply, async () =>
      gateway.execute(sessionOf(request.params), statementRequest(request.body)),
    ),
  )
  server.get<{ Params: OperationParams }>(`${base}/status`, (request, reply) =>
    answer(reply, () => gateway.status(sessionOf(request.params), operationOf(request.params))),
  )
  server.post<{ Params: OperationParams }>(`${base}/cancel`, (request, reply) =>
    answer(reply, () => gateway.cancel(sessionOf(request.params), operationOf(request.params))),
  )
  server.delete<{ Params: OperationParams }>(`${base}/close`, (request, reply) =>
    answer(reply, async () => {
      await gateway.closeOperation(sessionOf(request.params), operationOf(request.params))
      return { status: 'CLOSED' }
    }),
  )
  server.get<{ Params: ResultParams; Querystring: { rowFormat?: string; waitMs?: string } }>(
    `${base}/result/:token`,
    (request, reply) =>
      answerStatement(reply, async () => {
        const { params, query } = request
        const token = Number(readable('token', params.token, /^\d{1,15}$/))
        const format = readable('rowFormat', query.rowFormat ?? 'JSON', /^(JSON|PLAIN_TEXT)$/)
        const waitMs = Number(readable('waitMs', query.waitMs ?? '0', /^\d{1,9}$/))
        const [session, operation] = [sessionOf(params), operationOf(params)]
        const rowFormat = v === WITHOUT_ROW_FORMAT ? 'JSON' : (format as RowFormat)
        const page = await gateway.fetchResults(session, operation, token, waitMs, rowFormat)
        const path = `${v}/sessions/${session}/operations/${operation}/result`
        return pageAnswer(page, token, path, v === WITHOUT_ROW_FORMAT ? '' : `?rowFormat=${format}`)
      }),
  )
}

/** The page with the way to the next one. */
function pageAnswer(
  page: FetchResultsResponse,
  token: number,
  path: string,
  query: string,
): FetchResultsResponse {
  const next = page.resultType === 'NOT_READY' ? token : page.nextToken
  const { results } = page
  return {
    ...page,
    ...(results?.rowFormat !== 'JSON'
      ? {}
      : { results: { ...results, data: toWire(results.columns, results.data) } }),
    ...(next === undefined ? {} : { nextResultUri: `${path}/${next}${query}` }),
  }
}

const HANDLE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function sessionOf({ session }: SessionParams): string {
  return readable('session handle', session, HANDLE)
}

function operationOf({ operation }: OperationParams): string {
  return readable('operation handle', operation, HANDLE)
}

function readable(what: string, value: string, form: RegExp): string {
  if (form.test(value)) return value
  throw gatewayError(
    'REQUEST_INVALID',
    `Give a ${what} of the form ${form.source}; it is '${value}'.`,
  )
}

/** Answers with the promise's value, or with the error and its status. */
async function answer(
  reply: FastifyReply,
  act: () => Promise<unknown>,
  wrapped = false,
): Promise<unknown> {
  try {
    return await act()
  } catch (thrown) {
    const malformed = isMillraceError(thrown, 'REQUEST_INVALID')
    reply.code(malformed ? 400 : 500)
    return errorAnswer(toErrorData(thrown), wrapped && !malformed)
  }
}

/** The reference wraps the errors of statements. */
function answerStatement(reply: FastifyReply, act: () => Promise<unknown>): Promise<unknown> {
  return answer(reply, act, true)
}
