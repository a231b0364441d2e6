/** SQL of a workload → the JobGraph that a client would submit. */
import { Configuration } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import { TableEnvironment } from '@millrace/sql'
import { jobIdOf } from '../environment/neighbour-names.ts'
import {
  INPUT_DIRECTORY,
  OUTPUT_DIRECTORY,
  type SimulatedEnvironment,
} from '../environment/simulated-environment.ts'
import type { Workload } from '../workload/workload.ts'
import { workloadSql } from '../workload/workload-text.ts'
import type { JobStart } from './job-under-test.ts'

/** A sink's operator is known by its table. */
const NEW_SINK = 'restored_output'

/**
 * `newSink`: with a sink of its own that takes over no state. `sinkTopic`: its table, of the same
 * name, is another topic.
 */
export function planJob(
  environment: SimulatedEnvironment,
  workload: Workload,
  start: JobStart,
  {
    newSink = false,
    sinkTopic,
    besideFormat,
  }: {
    readonly newSink?: boolean
    readonly sinkTopic?: string
    readonly besideFormat?: string
  } = {},
): JobGraph {
  const script = workloadSql(workload, {
    bootstrapServers: environment.broker.bootstrapServers,
    inputDirectory: INPUT_DIRECTORY,
    outputDirectory: OUTPUT_DIRECTORY,
    ...(besideFormat === undefined ? {} : { besideFormat }),
    ...(newSink ? { sinkTable: NEW_SINK } : {}),
    ...(sinkTopic === undefined ? {} : { sinkTopic }),
    settings: {
      'parallelism.default': String(start.parallelism),
      ...(start.restoreFrom === null ? {} : { 'execution.state-recovery.path': start.restoreFrom }),
      ...start.settings,
      // What the other sink keeps is not for this one.
      ...(newSink ? { 'execution.state-recovery.ignore-unclaimed-state': 'true' } : {}),
    },
  })
  return planScript(environment, script, start.number)
}

/** Throws when the script does not end in one INSERT. */
export function planScript(
  environment: SimulatedEnvironment,
  script: string,
  number: number,
): JobGraph {
  const session = new TableEnvironment({
    connectors: environment.connectorsOf(null),
    formats: environment.formats,
    configuration: new Configuration({}),
    random: () => jobIdOf(number),
  })
  let jobGraph: JobGraph | null = null
  for (const { text } of session.splitStatements(script)) {
    const result = session.execute(text)
    if (result.kind === 'submit') jobGraph = result.jobGraph
  }
  if (jobGraph === null) throw new Error('The script has no INSERT.')
  return jobGraph
}
