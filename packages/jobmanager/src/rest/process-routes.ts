/** Routes about the JobManager's own process: configuration, environment, metrics, logs. */

import type { LogFile, ProcessInspection, ThreadState } from '@millrace/platform'
import { answerQuestion, ProcessMetrics, type ProcessQuestion } from '@millrace/protocol'
import { type EnvironmentAnswer, REST_PATHS } from '@millrace/rest-api'
import { logFiles, noSuchLog, threadDump } from './log-view.ts'
import { shownConfiguration } from './mask-secrets.ts'
import { plainMetrics } from './metric-answers.ts'
import type { RestContext, Route } from './route.ts'

export function mountProcessRoutes(route: Route, context: RestContext): void {
  const { configuration, platform, inspection } = context
  const metrics = new ProcessMetrics(platform.clock, inspection?.memory ?? null)
  const ask = async (question: ProcessQuestion) =>
    inspection === null ? null : await answerQuestion(inspection, question)
  route('GET', REST_PATHS.jobManagerConfig, () => shownConfiguration(configuration))
  route('GET', REST_PATHS.jobManagerEnvironment, () => environmentOf(inspection))
  route('GET', REST_PATHS.jobManagerMetrics, ({ query }) =>
    plainMetrics(
      new Map([...Object.entries(clusterMetrics(context)), ...Object.entries(metrics.values(1))]),
      query.get,
    ),
  )
  route('GET', REST_PATHS.jobManagerLogs, async () =>
    logFiles((await ask({ kind: 'log-files' })) as LogFile[] | null),
  )
  route('GET', REST_PATHS.jobManagerThreadDump, async () =>
    threadDump((await ask({ kind: 'threads' })) as ThreadState[] | null),
  )
  const log = async (name: string | null) => {
    const text = await ask({ kind: 'log', name })
    if (typeof text === 'string') return text
    throw noSuchLog('JobManager', name, 'web.log.path')
  }
  const text = { type: 'text/plain' }
  route('GET', REST_PATHS.jobManagerLog, () => log(null), text)
  route(
    'GET',
    REST_PATHS.jobManagerLogFile,
    ({ parameters }) => log(parameters.filename as string),
    text,
  )
  // What a process prints is in its log: it has one stream for both.
  route('GET', REST_PATHS.jobManagerStdout, () => '', text)
}

/** In the words of the reference, whose runtime is a JVM. */
export function environmentOf(inspection: ProcessInspection | null): EnvironmentAnswer {
  const environment = inspection?.environment()
  return {
    jvm: {
      version: environment?.version ?? '',
      arch: environment?.architecture ?? '',
      options: environment?.options ?? [],
    },
    classpath: environment?.program ?? [],
  }
}

/** Of the whole cluster, in the JobManager's scope. */
export function clusterMetrics({ slotPool, dispatcher, registry }: RestContext) {
  const { total, free } = slotPool.counts()
  return {
    taskSlotsTotal: total,
    taskSlotsAvailable: free,
    numRegisteredTaskManagers: registry.all().length,
    numPendingTaskManagers: 0,
    numRunningJobs: dispatcher.all().filter(({ hasEnded }) => !hasEnded).length,
  }
}
