/**
 * Renders a TaskManager's metrics as Prometheus text, with the reference engine's names and labels.
 *
 * `flink_taskmanager_<metric>` for the process, `flink_taskmanager_job_task_<metric>` for subtasks
 * and `…_job_task_operator_<metric>` for operators. Made anew for each scrape: subtasks come and
 * go, and a stale series must not stay.
 */
import type { TaskDeployment, TaskMetricsReport } from '@millrace/protocol'
import { Gauge, Registry } from 'prom-client'

export interface RenderedMetrics {
  readonly taskManagerId: string
  readonly host: string
  readonly process: Readonly<Record<string, number>>
  readonly tasks: readonly TaskMetricsReport[]
  readonly deployments: ReadonlyMap<string, TaskDeployment>
}

const TASK_VALUES = [
  'numRecordsIn',
  'numRecordsOut',
  'numBytesIn',
  'numBytesOut',
  'numRecordsInPerSecond',
  'numRecordsOutPerSecond',
  'busyTimeMsPerSecond',
  'idleTimeMsPerSecond',
  'backPressuredTimeMsPerSecond',
  'currentInputWatermark',
] as const

type Labels = Record<string, string>

export function renderMetrics(metrics: RenderedMetrics): Promise<string> {
  const gauges = new GaugeSet()
  const common = { host: metrics.host, tm_id: metrics.taskManagerId }
  for (const [name, value] of Object.entries(metrics.process)) {
    gauges.set(`flink_taskmanager_${name}`, common, value)
  }
  for (const task of metrics.tasks) {
    const deployment = metrics.deployments.get(task.attemptId)
    if (deployment !== undefined) addTask(gauges, task, taskLabels(deployment, common))
  }
  return gauges.text()
}

function addTask(gauges: GaugeSet, task: TaskMetricsReport, labels: Labels): void {
  for (const name of TASK_VALUES) {
    gauges.set(`flink_taskmanager_job_task_${name}`, labels, task[name])
  }
  for (const [name, value] of Object.entries(task.values ?? {})) {
    gauges.set(`flink_taskmanager_job_task_${name}`, labels, value)
  }
  for (const operator of task.operators) {
    const operatorLabels = {
      ...labels,
      operator_id: operator.operatorId,
      operator_name: operator.operatorName,
    }
    for (const [name, value] of Object.entries(operator.values)) {
      gauges.set(`flink_taskmanager_job_task_operator_${name}`, operatorLabels, value)
    }
  }
}

function taskLabels(deployment: TaskDeployment, common: Labels): Labels {
  return {
    ...common,
    job_id: deployment.jobId,
    job_name: deployment.jobName,
    task_id: deployment.vertex.id,
    task_name: deployment.vertex.name,
    task_attempt_id: deployment.attemptId,
    task_attempt_num: String(deployment.attempt),
    subtask_index: String(deployment.subtaskIndex),
  }
}

class GaugeSet {
  readonly #registry = new Registry()
  readonly #gauges = new Map<string, Gauge>()

  set(rawName: string, labels: Labels, value: number): void {
    const name = rawName.replace(/[^a-zA-Z0-9_:]/g, '_')
    let gauge = this.#gauges.get(name)
    if (gauge === undefined) {
      gauge = new Gauge({
        name,
        help: rawName,
        labelNames: Object.keys(labels),
        registers: [this.#registry],
      })
      this.#gauges.set(name, gauge)
    }
    gauge.set(labels, value)
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }
}
