/** Routes about the rescales of a job: counts, history, durations, one of them. */
import {
  REST_PATHS,
  type RescaleConfigAnswer,
  type RescaleDetails,
  type RescalesAnswer,
  type RescalesSummaryAnswer,
} from '@millrace/rest-api'
import { SummaryStatistics } from '../checkpoint/summary-statistics.ts'
import { jobManagerError } from '../error-codes.ts'
import type { JobMaster } from '../job-master/job-master.ts'
import type { RescaleHistory, RescaleRecord } from '../job-master/rescale-history.ts'
import { RestOptions, SchedulerOptions } from '../jobmanager-options.ts'
import type { RestContext, Route } from './route.ts'
import { slotSharingGroupId } from './vertex-view.ts'

export function mountRescaleRoutes(route: Route, context: RestContext): void {
  const historyOf = (parameters: Readonly<Record<string, string>>) =>
    keptHistory(context, parameters.jobid as string)
  route('GET', REST_PATHS.jobRescalesConfig, ({ parameters }) =>
    configOf(context.dispatcher.get(parameters.jobid as string)),
  )
  route('GET', REST_PATHS.jobRescales, ({ parameters }) => overview(historyOf(parameters)))
  route('GET', REST_PATHS.jobRescalesHistory, ({ parameters }) =>
    historyOf(parameters).records.map((record) => details(record, false)),
  )
  route('GET', REST_PATHS.jobRescalesSummary, ({ parameters }) => summary(historyOf(parameters)))
  route('GET', REST_PATHS.jobRescaleDetails, ({ parameters }) => {
    const { jobid, rescaleuuid } = parameters as { jobid: string; rescaleuuid: string }
    const found = historyOf(parameters).records.find(({ id }) => id === rescaleuuid)
    if (found !== undefined) return details(found, true)
    throw jobManagerError(
      'RESCALE_UNKNOWN',
      `Rescale ${rescaleuuid} is not in the history of job ${jobid}.`,
      { hint: `Raise ${RestOptions.rescaleHistory.key} to keep more.` },
    )
  })
}

/** Throws JOB_NOT_FOUND, RESCALES_UNAVAILABLE. */
function keptHistory({ dispatcher }: RestContext, jobId: string): RescaleHistory {
  const { rescales } = dispatcher.get(jobId)
  if (rescales.isKept) return rescales
  const { key } = RestOptions.rescaleHistory
  throw jobManagerError(
    'RESCALES_UNAVAILABLE',
    `Set '${key}' to 1 or more to see the rescales of job ${jobId}; the log has them too.`,
    { location: { optionKey: key } },
  )
}

/** Throws SCHEDULER_NOT_ADAPTIVE. */
function configOf({ jobId, adaptive, configuration }: JobMaster): RescaleConfigAnswer {
  if (adaptive === null) {
    const { key } = SchedulerOptions.scheduler
    throw jobManagerError(
      'SCHEDULER_NOT_ADAPTIVE',
      `Run job ${jobId} with '${key}' = 'adaptive' to have it follow the slots that there are.`,
      {
        hint: 'npx millrace rescale brings a job of either scheduler to another parallelism.',
        location: { optionKey: key },
      },
    )
  }
  return {
    rescaleHistoryMax: configuration.get(RestOptions.rescaleHistory),
    schedulerExecutionMode: adaptive.isReactive ? 'REACTIVE' : null,
    submissionResourceWaitTimeoutInMillis: adaptive.waitMs ?? -1,
    submissionResourceStabilizationTimeoutInMillis: adaptive.startStabilizationMs,
    // Slots that a job does not use are given back at once.
    slotIdleTimeoutInMillis: 0,
    executingCooldownTimeoutInMillis: adaptive.cooldownMs,
    executingResourceStabilizationTimeoutInMillis: adaptive.growthStabilizationMs,
    maximumDelayForTriggeringRescaleInMillis: adaptive.trigger.delayMs,
    rescaleOnFailedCheckpointCount: adaptive.trigger.failuresMax,
  }
}

function overview({ counts, records }: RescaleHistory): RescalesAnswer {
  const latest = (wanted: RescaleDetails['terminalState']) => {
    const found = records.find((record) => terminalState(record) === wanted)
    return found === undefined ? null : details(found, false)
  }
  return {
    rescalesCounts: counts,
    latest: { completed: latest('COMPLETED'), failed: null, ignored: latest('IGNORED') },
  }
}

function summary(history: RescaleHistory): RescalesSummaryAnswer {
  const { all, completed, ignored } = history.summaries()
  return {
    rescalesCounts: history.counts,
    rescalesDurationStatsInMillis: all,
    completedRescalesDurationStatsInMillis: completed,
    ignoredRescalesDurationStatsInMillis: ignored,
    failedRescalesDurationStatsInMillis: new SummaryStatistics().summary(),
  }
}

function terminalState({ outcome }: RescaleRecord): RescaleDetails['terminalState'] {
  if (outcome === null) return null
  return outcome === 'SUCCEEDED' ? 'COMPLETED' : 'IGNORED'
}

/** `whole`: with its vertices and states. */
function details(record: RescaleRecord, whole: boolean): RescaleDetails {
  return {
    rescaleUuid: record.id,
    // Each rescale has requirements of its own.
    resourceRequirementsUuid: record.id,
    rescaleAttemptId: record.number,
    vertices: whole ? Object.fromEntries(verticesOf(record)) : {},
    slots: {},
    schedulerStates: whole ? statesOf(record) : [],
    startTimestampInMillis: record.startMs,
    endTimestampInMillis: record.endMs,
    terminalState: terminalState(record),
    triggerCause: record.cause,
    terminatedReason: record.outcome,
  }
}

function verticesOf({ vertices }: RescaleRecord) {
  return vertices.map(({ id, name, slotSharingGroup, desired, sufficient, before, after }) => {
    const shown = {
      jobVertexId: id,
      jobVertexName: name,
      slotSharingGroupId: slotSharingGroupId(slotSharingGroup),
      slotSharingGroupName: slotSharingGroup,
      desiredParallelism: desired,
      sufficientParallelism: sufficient,
      preRescaleParallelism: before,
      postRescaleParallelism: after,
    }
    return [id, shown] as const
  })
}

/** It runs while its checkpoint is taken, then it goes down and comes back. */
function statesOf({ startMs, downMs, endMs }: RescaleRecord): RescaleDetails['schedulerStates'] {
  const span = (state: string, enter: number, leave: number | null) => ({
    state,
    enterTimestampInMillis: enter,
    leaveTimestampInMillis: leave,
    durationInMillis: leave === null ? null : leave - enter,
    stringifiedException: null,
  })
  const states = downMs === startMs ? [] : [span('Executing', startMs, downMs ?? endMs)]
  if (downMs !== null) states.push(span('Restarting', downMs, endMs))
  return states
}
