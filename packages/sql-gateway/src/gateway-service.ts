/**
 * GatewayService: sessions and their statements, over a planner a session and one cluster.
 *
 * Stands between the SQL client (or REST) and the planner. A session owns its catalog, its
 * settings and its operations; statements of a session are planned one after another, their jobs
 * run side by side. A session that nobody asks for is closed after its idle timeout, and a
 * SELECT's job with it.
 */
import { type Configuration, hexId, type LogicalType, type Schema } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import type {
  ExecuteStatementRequest,
  FetchResultsResponse,
  OpenSessionRequest,
  OperationStatusResponse,
  RowFormat,
  SqlGateway,
} from '@millrace/rest-api'
import type { StatementResult, TableEnvironment } from '@millrace/sql'
import { LOCAL_TIME_ZONE } from '@millrace/sql/options'
import type { ClusterClient } from './cluster-client.ts'
import { gatewayError } from './error-codes.ts'
import { GATEWAY_OPTIONS } from './gateway-options.ts'
import { Operation } from './operation.ts'
import { announceRestore, type RunEnvironment, runInsert, runSelect } from './statement-runner.ts'

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
    const schema = schemaOf(result)
    operation.setHead({
      schema: schema ?? OK_SCHEMA,
      isQueryResult: result.kind === 'submit' && result.mode === 'select',
      hasContent: schema !== null,
      warnings: result.warnings ?? [],
      localTimeZone: session.environment.configuration.get(LOCAL_TIME_ZONE),
    })
    if (result.kind === 'ok') {
      await operation.push(OK_ROWS)
    } else if (result.kind === 'rows') {
      await operation.push(result.rows.map((fields) => ({ kind: 'INSERT', fields })))
    } else if (result.kind === 'submit') {
      const submission = await announceRestore(result, env, operation)
      const run = result.mode === 'select' ? runSelect : runInsert
      await run(submission, env, operation)
    } else if (result.kind === 'command') {
      await this.#runCommand(result, operation, env.configuration)
    }
  }

  async #runCommand(
    result: Extract<StatementResult, { kind: 'command' }>,
    operation: Operation,
    configuration: Configuration,
  ): Promise<void> {
    const { cluster } = this.#settings
    if (result.command === 'stop-job') {
      const { jobId, withSavepoint, withDrain: drain } = result
      operation.report(`stopping job ${jobId}`)
      if (withSavepoint) {
        const targetDirectory = savepointDirectoryOf(configuration)
        const report = (progress: string) => operation.report(progress)
        const path = await cluster.stopWithSavepoint(jobId, { targetDirectory, drain, report })
        await operation.push([{ kind: 'INSERT', fields: [path] }])
        return
      }
      if (drain) throw drainWithoutSavepoint(jobId)
      await cluster.cancel(jobId)
      await operation.push(OK_ROWS)
      return
    }
    const all = await cluster.list()
    const jobs =
      result.command === 'show-jobs' ? all : all.filter(({ jobId }) => jobId === result.jobId)
    if (result.command === 'describe-job' && jobs.length === 0) throw unknownJob(result.jobId)
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
    rowFormat: RowFormat = 'JSON',
  ): Promise<FetchResultsResponse> {
    return this.#operation(session, operation).fetch(token, Math.min(waitMs, 1000), rowFormat)
  }

  async configure(sessionHandle: string, request: ExecuteStatementRequest): Promise<void> {
    const result = planWithSettings(this.#session(sessionHandle).environment, request)
    if (result.kind === 'ok' || result.kind === 'rows') return
    throw gatewayError(
      'STATEMENT_NOT_OF_SESSION',
      'Configure a session by SET, RESET, CREATE, DROP or USE; this statement is for the cluster.',
    )
  }

  async cancel(session: string, operation: string): Promise<OperationStatusResponse> {
    return this.#operation(session, operation).cancel()
  }

  /** Closing twice is fine: the answer to the first may have been lost. */
  async closeOperation(sessionHandle: string, handle: string): Promise<void> {
    const { operations } = this.#session(sessionHandle)
    operations.get(handle)?.close()
    operations.delete(handle)
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

/** To cancel instead would drop what WITH DRAIN is to bring out. */
function drainWithoutSavepoint(jobId: string) {
  return gatewayError(
    'DRAIN_WITHOUT_SAVEPOINT',
    `Write STOP JOB '${jobId}' WITH SAVEPOINT WITH DRAIN; without a savepoint there is no drain, and the job goes on.`,
    { hint: `STOP JOB '${jobId}' cancels it.` },
  )
}

/** As the session has it, under the present key or the earlier one; null: the cluster's. */
function savepointDirectoryOf(configuration: Configuration): string | null {
  const keys = ['execution.checkpointing.savepoint-dir', 'state.savepoints.dir']
  return keys.map((key) => configuration.getRaw(key)).find((value) => value !== undefined) ?? null
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

/** As the collect sink gives a TIMESTAMP_LTZ: `2026-11-22 10:15:30.000`, in UTC. */
const timeText = (ms: number): string => new Date(ms).toISOString().replace(/[TZ]/g, ' ').trim()

const TEXT: LogicalType = { kind: 'STRING', nullable: true }
const OK_SCHEMA: Schema = { fields: [{ name: 'result', type: TEXT }] }
const OK_ROWS = [{ kind: 'INSERT', fields: ['OK'] }] as const
const JOB_ID_SCHEMA: Schema = { fields: [{ name: 'job id', type: TEXT }] }
const SAVEPOINT_SCHEMA: Schema = { fields: [{ name: 'savepoint path', type: TEXT }] }
const SHOW_JOBS_SCHEMA: Schema = {
  fields: [
    { name: 'job id', type: TEXT },
    { name: 'job name', type: TEXT },
    { name: 'status', type: TEXT },
    { name: 'start time', type: { kind: 'TIMESTAMP_LTZ', precision: 6, nullable: true } },
  ],
}

function unknownJob(jobId: string) {
  return gatewayError('JOB_UNKNOWN', `No running or remembered job has the id '${jobId}'.`, {
    hint: 'SHOW JOBS lists them all.',
  })
}

/** The result's columns; null when there is nothing to say but that it was done. */
function schemaOf(result: StatementResult): Schema | null {
  switch (result.kind) {
    case 'ok':
      return null
    case 'rows':
      return result.schema
    case 'submit':
      return result.mode === 'insert' ? JOB_ID_SCHEMA : result.schema
    case 'command':
      if (result.command !== 'stop-job') return SHOW_JOBS_SCHEMA
      return result.withSavepoint ? SAVEPOINT_SCHEMA : null
  }
}
