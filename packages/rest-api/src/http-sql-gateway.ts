/**
 * The SQL gateway over HTTP, as the same port that the in-process service is: `sql-client
 * gateway` uses it.
 */
import type { RestClient } from './rest-client.ts'
import type {
  ExecuteStatementRequest,
  FetchResultsResponse,
  OpenSessionRequest,
  OperationStatusResponse,
  RowFormat,
  SqlGateway,
} from './sql-gateway.ts'

export class HttpSqlGateway implements SqlGateway {
  readonly #rest: RestClient

  constructor(rest: RestClient) {
    this.#rest = rest
  }

  openSession(request: OpenSessionRequest): Promise<{ readonly sessionHandle: string }> {
    return this.#rest.request('POST', '/v4/sessions', request)
  }

  async closeSession(session: string): Promise<void> {
    await this.#rest.request('DELETE', `/v4/sessions/${session}`)
  }

  sessionConfig(session: string): Promise<{ readonly properties: Record<string, string> }> {
    return this.#rest.request('GET', `/v4/sessions/${session}`)
  }

  execute(
    session: string,
    request: ExecuteStatementRequest,
  ): Promise<{ readonly operationHandle: string }> {
    return this.#rest.request('POST', `/v4/sessions/${session}/statements`, request)
  }

  status(session: string, operation: string): Promise<OperationStatusResponse> {
    return this.#rest.request('GET', `${operationPath(session, operation)}/status`)
  }

  fetchResults(
    session: string,
    operation: string,
    token: number,
    waitMs: number,
    rowFormat: RowFormat = 'JSON',
  ): Promise<FetchResultsResponse> {
    const path = `${operationPath(session, operation)}/result/${token}`
    return this.#rest.request('GET', `${path}?rowFormat=${rowFormat}&waitMs=${waitMs}`)
  }

  async configure(session: string, request: ExecuteStatementRequest): Promise<void> {
    await this.#rest.request('POST', `/v4/sessions/${session}/configure-session`, request)
  }

  cancel(session: string, operation: string): Promise<OperationStatusResponse> {
    return this.#rest.request('POST', `${operationPath(session, operation)}/cancel`)
  }

  async closeOperation(session: string, operation: string): Promise<void> {
    await this.#rest.request('DELETE', `${operationPath(session, operation)}/close`)
  }

  complete(
    session: string,
    statement: string,
    position: number,
  ): Promise<{ readonly candidates: readonly string[] }> {
    const query = `statement=${encodeURIComponent(statement)}&position=${position}`
    return this.#rest.request('GET', `/v4/sessions/${session}/complete-statement?${query}`)
  }
}

function operationPath(session: string, operation: string): string {
  return `/v4/sessions/${session}/operations/${operation}`
}
