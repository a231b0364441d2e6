/**
 * A user's job → its JobGraph, with the tables that it reads and writes, as the planner
 * asked for them.
 *
 * The job stays as it was written but for its places: Kafka tables go to the simulated brokers,
 * whatever servers and credentials they name, and read their topics from the beginning; files are
 * on the simulated disk under the same paths; checkpoints are where the simulation looks for them.
 */
import type { Format, SourcePlan, TableConnector, TableDescription } from '@millrace/connector'
import { Configuration, isMillraceError, type MillraceError } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import { formatSqlError, TableEnvironment } from '@millrace/sql'
import { simulationError } from '../error-codes.ts'

/** For a job written as code: executes statements, one or several at a time. */
export interface SimulatedSession {
  execute(sql: string): void
}
export type UserJobText = string | ((session: SimulatedSession) => void)

export interface SourceTable {
  readonly connector: 'kafka' | 'filesystem'
  readonly description: TableDescription
  readonly bounded: boolean
  /** Topics, or the one directory. */
  readonly places: readonly string[]
  readonly topicPattern: string | null
}

export interface SinkTable {
  readonly connector: 'kafka' | 'filesystem' | 'print' | 'blackhole'
  readonly description: TableDescription
  /** Topic, directory, or the name that printed rows begin with. */
  readonly place: string
  /** Of its PRIMARY KEY; empty: it has none. */
  readonly keyColumns: readonly string[]
  /** What is written may be there more than once. */
  readonly repeats: boolean
  readonly changelog: boolean
}

export interface PlannedUserJob {
  readonly jobGraph: JobGraph
  readonly sources: readonly SourceTable[]
  readonly sinks: readonly SinkTable[]
  readonly bounded: boolean
  /** The widest operator: slots that it needs. */
  readonly parallelism: number
}

export interface UserJobPlanning {
  readonly connectors: ReadonlyMap<string, TableConnector>
  readonly formats: ReadonlyMap<string, Format>
  readonly bootstrapServers: string
  /** How many jobs the run has submitted before, and from where this one goes on. */
  readonly number: number
  readonly restoreFrom: string | null
}

/** Options of a cluster, not of a job: the simulated one has its own. */
const CLUSTERS_OWN = [
  'execution.checkpointing.dir',
  'state.checkpoints.dir',
  'execution.checkpointing.savepoint-dir',
  'state.savepoints.dir',
  'execution.checkpointing.storage',
]

export function planUserJob(job: UserJobText, planning: UserJobPlanning): PlannedUserJob {
  const seen = new SeenTables(planning)
  const session = new TableEnvironment({
    connectors: seen.connectors,
    formats: planning.formats,
    configuration: new Configuration({}),
    random: () => String(planning.number + 1).padStart(32, '0'),
  })
  const submitted: { jobGraph: JobGraph; bounded: boolean; changelog: boolean }[] = []
  const execute = (script: string): void => {
    for (const { text, line, column } of session.splitStatements(script)) {
      const result = located({ script, text, line, column }, () => session.execute(text))
      if (result.kind !== 'submit') continue
      if (result.mode === 'select') {
        throw invalid(
          'Write the result of the query into a table with INSERT: what a SELECT shows is not compared.',
        )
      }
      submitted.push(result)
    }
  }
  if (typeof job === 'string') execute(job)
  else job({ execute })
  const [first] = submitted
  if (first === undefined || submitted.length > 1) {
    throw invalid(
      `Give a job with one INSERT (or one statement set); it has ${submitted.length}.`,
      'Several INSERTs run as one job between EXECUTE STATEMENT SET BEGIN and END.',
    )
  }
  const { bounded, changelog } = first
  const jobGraph = withPlaces(first.jobGraph, planning.restoreFrom)
  const keysOf = (tableName: string): readonly string[] => {
    const path = tableName.split('.').map((part) => `\`${part}\``)
    const result = session.execute(`DESCRIBE ${path.join('.')}`)
    const rows = result.kind === 'rows' ? result.rows : []
    return rows.filter(([, , , key]) => key !== null).map(([name]) => name as string)
  }
  const sinks = seen.sinks.map((sink) => {
    return { ...sink, changelog, keyColumns: keysOf(sink.description.tableName) }
  })
  const parallelism = Math.max(...jobGraph.vertices.map((vertex) => vertex.parallelism))
  return { jobGraph, sources: seen.sources, sinks, bounded, parallelism }
}

function withPlaces(jobGraph: JobGraph, restoreFrom: string | null): JobGraph {
  const entries = Object.entries(jobGraph.configuration)
  const configuration = Object.fromEntries(entries.filter(([key]) => !CLUSTERS_OWN.includes(key)))
  if (restoreFrom !== null) configuration['execution.state-recovery.path'] = restoreFrom
  return { ...jobGraph, configuration }
}

/** Keeps what the planner asks connectors for, and gives them the simulation's places. */
class SeenTables {
  readonly connectors = new Map<string, TableConnector>()
  readonly sources: SourceTable[] = []
  readonly sinks: Omit<SinkTable, 'changelog' | 'keyColumns'>[] = []
  readonly #planning: UserJobPlanning

  constructor(planning: UserJobPlanning) {
    this.#planning = planning
    for (const connector of planning.connectors.values()) {
      const { source, sink } = connector
      this.connectors.set(connector.name, {
        ...connector,
        ...(source === undefined
          ? {}
          : {
              source: {
                ...source,
                plan: (table: TableDescription) => {
                  const placed = this.#placed(connector.name, table)
                  const plan = source.plan(placed)
                  this.#sawSource(connector.name, placed, plan)
                  return plan
                },
              },
            }),
        ...(sink === undefined
          ? {}
          : {
              sink: {
                ...sink,
                plan: (table: TableDescription) => {
                  const placed = this.#placed(connector.name, table)
                  const plan = sink.plan(placed)
                  this.#sawSink(connector.name, placed, plan.config)
                  return plan
                },
              },
            }),
      })
    }
  }

  #placed(connector: string, table: TableDescription): TableDescription {
    if (connector === 'print') {
      return { ...table, options: { ...table.options, 'print-identifier': table.tableName } }
    }
    if (connector !== 'kafka') return table
    const kept = Object.entries(table.options).filter(
      ([key]) => !/^properties\.(security|ssl|sasl)\.|^scan\.startup\./.test(key),
    )
    const options = {
      ...Object.fromEntries(kept),
      'properties.bootstrap.servers': this.#planning.bootstrapServers,
      'scan.startup.mode': 'earliest-offset',
    }
    return { ...table, options }
  }

  #sawSource(connector: string, description: TableDescription, plan: SourcePlan): void {
    const { tableName, options } = description
    if (connector !== 'kafka' && connector !== 'filesystem') {
      throw invalid(
        `Give the table '${shortName(tableName)}' another connector than '${connector}': it makes up rows that differ from run to run.`,
        'Kafka and filesystem tables get their rows from `inputs`.',
      )
    }
    const { path, topics, topicPattern } = plan.config as {
      readonly path?: string
      readonly topics?: readonly string[] | null
      readonly topicPattern?: string | null
    }
    if (connector === 'kafka' && options.topic === undefined && topicPattern === undefined) return
    if (this.sources.some((known) => known.description.tableName === tableName)) return
    this.sources.push({
      connector,
      description,
      bounded: plan.bounded,
      places: path === undefined ? (topics ?? []) : [path],
      topicPattern: topicPattern ?? null,
    })
  }

  #sawSink(connector: string, description: TableDescription, config: unknown): void {
    const { tableName } = description
    if (this.sinks.some((known) => known.description.tableName === tableName)) return
    const { topic, path, guarantee } = config as Readonly<Record<string, string | null>>
    this.sinks.push({
      connector: connector as SinkTable['connector'],
      description,
      place: topic ?? path ?? tableName,
      repeats: connector === 'print' || (guarantee !== null && guarantee !== 'exactly-once'),
    })
  }
}

/** Without catalog and database. */
export function shortName(tableName: string): string {
  return tableName.slice(tableName.lastIndexOf('.') + 1)
}

function invalid(message: string, hint?: string): MillraceError {
  return simulationError('SIMULATE_JOB_INVALID', message, hint === undefined ? {} : { hint })
}

interface Statement {
  readonly script: string
  readonly text: string
  readonly line: number
  readonly column: number
}

/** An error of a statement tells its place in the whole script. */
function located<T>({ script, text, line, column }: Statement, run: () => T): T {
  try {
    return run()
  } catch (cause) {
    if (!isMillraceError(cause) || cause.code === 'SIMULATE_JOB_INVALID') throw cause
    const { location = {} } = cause
    // Errors of a table's options know no place: the statement's is as near as it gets.
    const within = { ...location, line: location.line ?? 1, column: location.column ?? 1 }
    const onFirst = (at: number, value: number) => (at === 1 ? value + column - 1 : value)
    const place = {
      ...within,
      line: within.line + line - 1,
      column: onFirst(within.line, within.column),
      ...(within.endLine === undefined ? {} : { endLine: within.endLine + line - 1 }),
      ...(within.endColumn === undefined
        ? {}
        : { endColumn: onFirst(within.endLine ?? within.line, within.endColumn) }),
    }
    const { message, hint } = cause
    const shown = { message, location: place, ...(hint === undefined ? {} : { hint }) }
    throw simulationError('SIMULATE_JOB_INVALID', formatSqlError(shown, script || text), {
      location: place,
      cause,
    })
  }
}
