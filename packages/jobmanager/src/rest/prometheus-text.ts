/**
 * The JobManager's metrics in Prometheus' text format, under the reference engine's names; gathered
 * anew at each scrape. Only jobs that have not ended have series, as in the reference: a scrape
 * must not grow with every statement that was ever run.
 */
import type { Gauge as GaugeOf } from 'prom-client'
import { jobMetrics } from './job-metrics.ts'
import { clusterMetrics } from './process-routes.ts'
import type { RestContext } from './route.ts'

const JOB_LABELS = ['job_id', 'job_name'] as const
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
  const jobs = context.dispatcher.all().filter(({ hasEnded }) => !hasEnded)
  for (const [name, value] of Object.entries(clusterMetrics(context))) gauge(name, value)
  const jobGauges = new Map<string, GaugeOf>()
  for (const job of jobs) {
    const labels = { job_id: job.jobId, job_name: job.jobGraph.name }
    for (const [name, value] of jobMetrics(job, context.platform.clock.nowMs())) {
      if (typeof value !== 'number') continue
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
