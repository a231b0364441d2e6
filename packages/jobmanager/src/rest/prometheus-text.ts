/**
 * The JobManager's metrics in Prometheus' text format, under the reference engine's names; gathered
 * anew at each scrape. Only jobs that have not ended have series, as in the reference: a scrape
 * must not grow with every statement that was ever run.
 */
import type { Gauge as GaugeOf } from 'prom-client'
import type { JobMaster } from '../job-master/job-master.ts'
import type { RestContext } from './route.ts'

const JOB_LABELS = ['job_id', 'job_name'] as const
const TIMED_STATES = {
  running: 'RUNNING',
  restarting: 'RESTARTING',
  failing: 'FAILING',
  cancelling: 'CANCELLING',
  initializing: 'INITIALIZING',
  created: 'CREATED',
} as const

export async function prometheusText(
  context: RestContext,
): Promise<{ text: string; contentType: string }> {
  // Loaded at the first scrape: many JobManagers never see one.
  const { Gauge, Registry } = await import('prom-client')
  const registry = new Registry()
  const registers = [registry]
  const gauge = (name: string, value: number) => {
    new Gauge({ name: `flink_jobmanager_${name}`, help: name, registers }).set(value)
  }
  const { total, free } = context.slotPool.counts()
  const jobs = context.dispatcher.all().filter(({ hasEnded }) => !hasEnded)
  gauge('taskSlotsTotal', total)
  gauge('taskSlotsAvailable', free)
  gauge('numRegisteredTaskManagers', context.registry.all().length)
  gauge('numPendingTaskManagers', 0)
  gauge('numRunningJobs', jobs.length)
  const jobGauges = new Map<string, GaugeOf>()
  for (const job of jobs) {
    const labels = { job_id: job.jobId, job_name: job.jobGraph.name }
    for (const [name, value] of Object.entries(jobValues(job, context.platform.clock.nowMs()))) {
      let entry = jobGauges.get(name)
      if (entry === undefined) {
        entry = new Gauge({
          name: `flink_jobmanager_job_${name}`,
          help: name,
          labelNames: JOB_LABELS,
          registers,
        })
        jobGauges.set(name, entry)
      }
      entry.set(labels, value)
    }
  }
  return { text: await registry.metrics(), contentType: registry.contentType }
}

function jobValues(job: JobMaster, nowMs: number): Record<string, number> {
  const { lifecycle, statistics, restarts } = job
  const values: Record<string, number> = {}
  for (const [name, state] of Object.entries(TIMED_STATES)) {
    const sinceMs = lifecycle.timestampsMs.get(state) ?? nowMs
    const inState = lifecycle.state === state
    values[`${name}State`] = inState ? 1 : 0
    values[`${name}Time`] = inState ? nowMs - sinceMs : 0
  }
  values.uptime = values.runningTime as number
  values.numRestarts = restarts
  values.fullRestarts = restarts
  values.numRescales = lifecycle.rescales
  const { latest } = statistics.answer()
  const { counts } = statistics
  values.totalNumberOfCheckpoints = counts.total
  values.numberOfInProgressCheckpoints = counts.in_progress
  values.numberOfCompletedCheckpoints = counts.completed
  values.numberOfFailedCheckpoints = counts.failed
  values.lastCheckpointDuration = latest.completed?.end_to_end_duration ?? -1
  values.lastCheckpointSize = latest.completed?.checkpointed_size ?? -1
  values.lastCheckpointFullSize = latest.completed?.state_size ?? -1
  values.lastCompletedCheckpointId = latest.completed?.id ?? -1
  values.lastCheckpointRestoreTimestamp = latest.restored?.restore_timestamp ?? -1
  return values
}
