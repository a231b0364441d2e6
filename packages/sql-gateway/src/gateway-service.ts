/**
 * GatewayService: sessions and their statements, over a planner a session and one cluster.
 *
 * Stands between the SQL client (or REST) and the planner. A session owns its catalog, its settings and its
 * operations; statements of a session are
 * planned one after another, their jobs run side by side. A session that nobody asks for is closed after its idle
 * timeout, and a SELECT's job with it.
 */
import { type Configuration, formatType, hexId, type Schema } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import type {
  ExecuteStatementRequest,
  FetchResultsResponse,
  OpenSessionRequest,
  OperationStatusResponse,
  ResultColumn,
  SqlGateway,
} from '@millrace/rest-api'
import type { StatementResult, TableEnvironment } from '@millrace/sql'
import type { ClusterClient } from './cluster-client.ts'
import { gatewayError } from './error-codes.ts'
import { GATEWAY_OPTIONS } from './gateway-options.ts'
import { Operation } from './operation.ts'
import { type RunEnvironment, runInsert, runSelect } from './statement-runner.ts'

interface Session {
  readonly handle: string
  readonly environment: TableEnvironment
  readonly operations: Map<string, Operation>
  lastUsedMs: number
}

export interface GatewaySettings {
  readonly platform: Platform
  readonly configuration: Configuration
  readonly cluster: ClusterClient
  /** A planner for a new session, its settings over the gateway's. */
  createEnvironment(properties: Readonly<Record<string, string>>): TableEnvironment
}

const SWEEP_INTERVAL_MS = 30_000

export class GatewayService implements SqlGateway {
  readonly #settings: GatewaySettings
  readonly #sessions = new Map<string, Session>()
  #stopSweep: () => void

  constructor(settings: GatewaySettings) {
    this.#settings = settings
    this.#stopSweep = this.#scheduleSweep()
  }

  #scheduleSweep(): () => void {
    const sweep = () => {
      this.#closeIdleSessions()
      this.#stopSweep = this.#scheduleSweep()
    }
    return this.#settings.platform.clock.setTimer(SWEEP_INTERVAL_MS, sweep, { unref: true })
  }

  #closeIdleSessions(): void {
    const limitMs = this.#settings.configuration.get(GATEWAY_OPTIONS.sessionIdleTimeout)
    if (limitMs === 0) return
    const now = this.#settings.platform.clock.monotonicMs()
    for (const session of this.#sessions.values()) {
      if (now - session.lastUsedMs > limitMs) this.#discard(session)
    }
  }

  async openSession(request: OpenSessionRequest): Promise<{ sessionHandle: string }> {
    const max = this.#settings.configuration.get(GATEWAY_OPTIONS.sessionsMax)
    if (this.#sessions.size >= max) {
      throw gatewayError('SESSION_LIMIT_REACHED', `Close a session first; ${max} are open.`, {
        location: { optionKey: GATEWAY_OPTIONS.sessionsMax.key },
      })
    }
    const handle = this.#newHandle()
    this.#sessions.set(handle, {
      handle,
      environment: this.#settings.createEnvironment(request.properties ?? {}),
      operations: new Map(),
      lastUsedMs: this.#settings.platform.clock.monotonicMs(),
    })
    return { sessionHandle: handle }
  }

  async closeSession(session: string): Promise<void> {
    this.#discard(this.#session(session))
  }

  async sessionConfig(session: string): Promise<{ properties: Record<string, string> }> {
    return { properties: this.#session(session).environment.configuration.toObject() }
  }

  async execute(
    sessionHandle: string,
    request: ExecuteStatementRequest,
  ): Promise<{ operationHandle: string }> {
    const session = this.#session(sessionHandle)
    const operation = new Operation(this.#newHandle(), this.#settings.platform.clock)
    session.operations.set(operation.handle, operation)
    operation.start(() => this.#run(session, operation, request), request.executionTimeout ?? 0)
    return { operationHandle: operation.handle }
  }

  async #run(
    session: Session,
    operation: Operation,
    request: ExecuteStatementRequest,
  ): Promise<void> {
    const result = planWithSettings(session.environment, request)
    const env: RunEnvironment = {
      cluster: this.#settings.cluster,
      clock: this.#settings.platform.clock,
      configuration: session.environment.configuration,
    }
    operation.setHead({
      columns: columnsOf(result),
      isQueryResult: result.kind === 'submit' && result.mode === 'select',
      warnings: result.warnings ?? [],
    })
    if (result.kind === 'rows') {
      await operation.push(result.rows.map((fields) => ({ kind: 'INSERT', fields })))
    } else if (result.kind === 'submit') {
      const run = result.mode === 'select' ? runSelect : runInsert
      await run(result.jobGraph, env, operation)
    } else if (result.kind === 'command') {
      await this.#runCommand(result, operation)
    }
  }

  async #runCommand(
    result: Extract<StatementResult, { kind: 'command' }>,
    operation: Operation,
  ): Promise<void> {
    const { cluster } = this.#settings
    if (result.command === 'stop-job') {
      operation.report(`stopping job ${result.jobId}`)
      await cluster.cancel(result.jobId)
      return
    }
    const jobs = await cluster.list()
    const toRow = (job: (typeof jobs)[number]) => ({
      kind: 'INSERT' as const,
      fields: [job.jobId, job.name, job.state, timeText(job.startTimeMs)],
    })
    await operation.push(jobs.map(toRow))
  }

  async status(session: string, operation: string): Promise<OperationStatusResponse> {
    return this.#operation(session, operation).status()
  }

  fetchResults(
    session: string,
    operation: string,
    token: number,
    waitMs: number,
  ): Promise<FetchResultsResponse> {
    return this.#operation(session, operation).fetch(token, Math.min(waitMs, 1000))
  }

  async cancel(session: string, operation: string): Promise<OperationStatusResponse> {
    return this.#operation(session, operation).cancel()
  }

  async closeOperation(sessionHandle: string, handle: string): Promise<void> {
    this.#operation(sessionHandle, handle).close()
    this.#session(sessionHandle).operations.delete(handle)
  }

  async complete(
    session: string,
    statement: string,
    position: number,
  ): Promise<{ candidates: readonly string[] }> {
    return { candidates: this.#session(session).environment.complete(statement, position) }
  }

  /** Closes every session; running SELECTs are cancelled. */
  async close(): Promise<void> {
    this.#stopSweep()
    for (const session of this.#sessions.values()) this.#discard(session)
  }

  #discard(session: Session): void {
    for (const operation of session.operations.values()) operation.close()
    this.#sessions.delete(session.handle)
  }

  #session(handle: string): Session {
    const session = this.#sessions.get(handle)
    if (session === undefined) {
      throw gatewayError('SESSION_NOT_FOUND', `No session has the handle '${handle}'.`, {
        hint: 'Open one with POST /v1/sessions; idle ones are closed after sql-gateway.session.idle-timeout.',
      })
    }
    session.lastUsedMs = this.#settings.platform.clock.monotonicMs()
    return session
  }

  #operation(sessionHandle: string, handle: string): Operation {
    const operation = this.#session(sessionHandle).operations.get(handle)
    if (operation === undefined) {
      throw gatewayError('OPERATION_NOT_FOUND', `No operation has the handle '${handle}'.`)
    }
    return operation
  }

  /** A UUID-shaped handle, as the reference gateway's are. */
  #newHandle(): string {
    const hex = hexId(this.#settings.platform.random.bytes(16))
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  }
}

/** Plans the statement with its own settings over the session's, and takes them back. */
function planWithSettings(
  environment: TableEnvironment,
  { statement, executionConfig = {} }: ExecuteStatementRequest,
): StatementResult {
  const quote = (text: string) => `'${text.replaceAll("'", "''")}'`
  const before = environment.configuration
  for (const [key, value] of Object.entries(executionConfig)) {
    environment.execute(`SET ${quote(key)} = ${quote(value)}`)
  }
  try {
    return environment.execute(statement)
  } finally {
    for (const key of Object.keys(executionConfig)) {
      const value = before.getRaw(key)
      const restore = value === undefined ? 'RESET' : 'SET'
      const assigned = value === undefined ? '' : ` = ${quote(value)}`
      environment.execute(`${restore} ${quote(key)}${assigned}`)
    }
  }
}

/** As JSON has a TIMESTAMP_LTZ: `2026-11-22 10:15:30.000Z`. */
const timeText = (ms: number): string => new Date(ms).toISOString().replace('T', ' ')

const SHOW_JOBS_COLUMNS = ['job id', 'job name', 'status', 'start time']

function columnsOf(result: StatementResult): ResultColumn[] {
  const named = (name: string, type: string): ResultColumn => ({
    name,
    logicalType: { type, nullable: false },
    comment: null,
  })
  if (result.kind === 'rows') return schemaColumns(result.schema)
  if (result.kind === 'submit') {
    return result.mode === 'insert' ? [named('job id', 'STRING')] : schemaColumns(result.schema)
  }
  if (result.kind === 'command' && result.command === 'show-jobs') {
    return SHOW_JOBS_COLUMNS.map((name) =>
      named(name, name === 'start time' ? 'TIMESTAMP_LTZ(3)' : 'STRING'),
    )
  }
  return []
}

function schemaColumns(schema: Schema): ResultColumn[] {
  return schema.fields.map((field) => ({
    name: field.name,
    logicalType: {
      type: formatType({ ...field.type, nullable: true }),
      nullable: field.type.nullable,
    },
    comment: null,
  }))
}
