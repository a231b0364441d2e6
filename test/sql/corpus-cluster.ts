/**
 * The cluster that the SQL corpus runs on: JobManager, TaskManagers and SQL gateway, the shipped
 * code, in this thread and in simulated time. A wait costs nothing, a run gives the same on every
 * machine, and nothing is started or listened on.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { Configuration, fromErrorData, hexId } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import type { Platform } from '@millrace/platform'
import type { ResultColumn, ResultRow } from '@millrace/rest-api'
import { TableEnvironment } from '@millrace/sql'
import { type ClusterClient, GatewayService } from '@millrace/sql-gateway'
import { knownConfigOptions } from '../../packages/distribution/src/registry/known-config-keys.ts'
import {
  INPUT_DIRECTORY,
  SimulatedEnvironment,
} from '../../packages/simulation/src/environment/simulated-environment.ts'
import { CORPUS_DIRECTORY, type CorpusCase } from './corpus-case.ts'

/**
 * What a case answered: its last statement's columns and rows, or the error of whichever
 * statement failed.
 */
export interface Outcome {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly unknown[])[]
  readonly error: string | null
}

const TASK_MANAGERS = 2
const SLOTS_PER_TASK_MANAGER = 8
/** Of simulated time: an unbounded query is judged by the rows that it has given by then. */
const STATEMENT_TIMEOUT_MS = 300_000
const ROWS_MAX = 200_000

export class CorpusCluster {
  readonly #environment: SimulatedEnvironment
  readonly #gateway: GatewayService
  readonly #platform: Platform

  constructor() {
    const environment = new SimulatedEnvironment({
      seed: 1,
      jobManagers: 1,
      taskManagers: TASK_MANAGERS,
      slotsPerTaskManager: SLOTS_PER_TASK_MANAGER,
      brokers: 1,
      slowness: [],
      properties: { 'jobstore.max-capacity': '50' },
    })
    const inputs = `${CORPUS_DIRECTORY}/inputs`
    for (const file of readdirSync(inputs)) {
      environment.disk.place(`${INPUT_DIRECTORY}/${file}`, readFileSync(`${inputs}/${file}`))
    }
    const client = environment.world.process('client', 'client')
    const platform = environment.cluster.platformOf(client)
    const configuration = new Configuration({})
    const connectors = environment.connectorsOf(null)
    this.#environment = environment
    this.#platform = platform
    this.#gateway = new GatewayService({
      platform,
      configuration,
      cluster: clusterClient(environment),
      createEnvironment: (properties) =>
        new TableEnvironment({
          connectors,
          formats: environment.formats,
          configuration: configuration.withOverrides(properties),
          random: () => hexId(platform.random.bytes(16)),
          knownOptions: knownConfigOptions(),
        }),
    })
  }

  /** Runs the cases, `concurrency` of them side by side. */
  async runAll(
    cases: readonly CorpusCase[],
    concurrency: number,
  ): Promise<ReadonlyMap<string, Outcome>> {
    const { world, cluster } = this.#environment
    this.#environment.start()
    await world.run(world.nowMs + 60_000, () => cluster.leader() !== null)
    const outcomes = new Map<string, Outcome>()
    const waiting = [...cases]
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        outcomes.set(next.name, await this.#run(next))
      }
    }
    let done = false
    let failure: unknown
    void Promise.all(Array.from({ length: concurrency }, work)).then(
      () => {
        done = true
      },
      (error) => {
        failure = error
        done = true
      },
    )
    const end = await world.run(Number.POSITIVE_INFINITY, () => done)
    await this.#gateway.close()
    if (failure !== undefined) throw failure
    if (end !== 'reached')
      throw new Error(`The corpus stopped: ${end}, ${waiting.length} cases wait.`)
    return outcomes
  }

  async #run(corpusCase: CorpusCase): Promise<Outcome> {
    const { sessionHandle } = await this.#gateway.openSession({
      properties: {
        'execution.runtime-mode': corpusCase.mode,
        'parallelism.default': String(corpusCase.parallelism),
        'table.local-time-zone': corpusCase.timeZone,
      },
    })
    let outcome: Outcome = { columns: [], rows: [], error: null }
    try {
      for (const statement of corpusCase.statements) {
        const text = statement.replaceAll('{{inputs}}', INPUT_DIRECTORY)
        outcome = await this.#execute(sessionHandle, text)
        if (outcome.error !== null) break
      }
    } finally {
      await this.#gateway.closeSession(sessionHandle)
    }
    return outcome
  }

  async #execute(session: string, statement: string): Promise<Outcome> {
    const deadlineMs = this.#platform.clock.monotonicMs() + STATEMENT_TIMEOUT_MS
    let columns: readonly ResultColumn[] = []
    const rows: ResultRow[] = []
    try {
      const { operationHandle } = await this.#gateway.execute(session, { statement })
      let token = 0
      for (;;) {
        const page = await this.#gateway.fetchResults(session, operationHandle, token, 1000)
        if (page.resultType !== 'NOT_READY') {
          columns = page.results?.columns ?? columns
          rows.push(...(page.results?.data ?? []))
          if (page.nextToken === undefined) break
          token = page.nextToken
        }
        if (this.#platform.clock.monotonicMs() > deadlineMs || rows.length > ROWS_MAX) break
      }
      await this.#gateway.closeOperation(session, operationHandle)
    } catch (error) {
      return { columns: [], rows: [], error: String((error as Error).message) }
    }
    return {
      columns: columns.map(({ name }) => name),
      rows: rows.map(({ kind, fields }) => [kind, ...fields]),
      error: null,
    }
  }
}

/** The JobManager asked as over REST: whatever goes in or comes out is JSON. */
function clusterClient(environment: SimulatedEnvironment): ClusterClient {
  const overJson = <T>(value: T): T => JSON.parse(JSON.stringify(value ?? null)) as T
  const dispatcher = () => {
    const leader = environment.cluster.leader()
    if (leader === null) throw new Error('No JobManager leads.')
    return leader.jobManager.dispatcher
  }
  const job = (jobId: string) => dispatcher().get(jobId)
  return {
    async restorePlan(jobGraph: JobGraph) {
      return overJson(await dispatcher().planRestore(overJson(jobGraph)))
    },
    async submit(jobGraph: JobGraph) {
      return { jobId: (await dispatcher().submit(overJson(jobGraph))).jobId }
    },
    async status(jobId) {
      const { jobGraph, state } = job(jobId)
      const reason = job(jobId).statusReason()
      return {
        name: jobGraph.name,
        state,
        ...(reason === null ? {} : { statusReason: reason }),
      }
    },
    async failure(jobId) {
      const { state, failureCause } = job(jobId)
      if (state !== 'FAILED' || failureCause === null) return null
      return fromErrorData(overJson(failureCause))
    },
    async cancel(jobId) {
      await job(jobId).cancel()
    },
    stopWithSavepoint(jobId, { targetDirectory, drain }) {
      const after = drain ? 'drain' : 'suspend'
      const request = { targetDirectory: targetDirectory ?? '/savepoints', after } as const
      return dispatcher().stopWithSavepoint(jobId, { ...request, format: 'canonical' })
    },
    async list() {
      return []
    },
    async coordinator(jobId, vertexId, operatorId, request) {
      return overJson(await job(jobId).clientRequest(vertexId, operatorId, overJson(request)))
    },
  }
}
