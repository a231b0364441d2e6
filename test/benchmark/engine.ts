/**
 * The two engines as a benchmark sees them: a cluster that runs a script to its end, and
 * what that cost.
 *
 * CPU seconds are user + system of JobManager and TaskManagers (no broker, no planner's process)
 * from submission to the end; peak memory is of the same processes over that run alone.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'
import {
  ReferenceCluster,
  type ReferenceClusterSettings,
} from '../reference-engine/reference-cluster.ts'
import { cpuSeconds, peakResidentBytes } from '../support/process-usage.ts'
import { sqlRunner } from '../support/run-sql.ts'

export interface Cost {
  readonly cpuS: number
  /** From the job's creation to its end. */
  readonly wallS: number
  /** Sum over the processes. */
  readonly peakBytes: number
}

export interface Engine {
  readonly name: 'millrace' | 'flink'
  /** Runs the bounded job of a script. */
  run(script: string): Promise<Cost>
  stop(): Promise<void>
}

const JOB_TIMEOUT_MS = 1_800_000
/** As often as a person looks: what the JobManager answers is in the CPU time that is measured. */
const POLL_INTERVAL_MS = 250

export interface MillraceSettings {
  readonly directory: string
  readonly slots: number
  readonly properties: Readonly<Record<string, string>>
}

export async function startMillrace(settings: MillraceSettings): Promise<Engine> {
  const cluster = await LocalCluster.start({
    directory: settings.directory,
    taskManagers: 1,
    slotsPerTaskManager: settings.slots,
    properties: settings.properties,
  })
  await cluster.ready()
  const runner = sqlRunner(cluster.restAddress)
  const pids = [cluster.jobManager, ...cluster.taskManagers].map(({ pid }) => pid)
  return {
    name: 'millrace',
    run: (script) =>
      costOf(pids, async () => {
        const jobId = await runner.submit(script)
        const { timestamps } = await runner.awaitJob(
          jobId,
          ({ state }) => state === 'FINISHED',
          JOB_TIMEOUT_MS,
          POLL_INTERVAL_MS,
        )
        return (timestamps.FINISHED - timestamps.CREATED) / 1000
      }),
    async stop() {
      await runner.close()
      await cluster.stop()
    },
  }
}

export async function startReference(settings: ReferenceClusterSettings): Promise<Engine> {
  const cluster = await ReferenceCluster.start(settings)
  return {
    name: 'flink',
    run: (script) =>
      costOf(cluster.pids, async () =>
        cluster.awaitFinished(await cluster.submit(script), JOB_TIMEOUT_MS),
      ),
    stop: () => cluster.stop(),
  }
}

async function costOf(pids: readonly number[], run: () => Promise<number>): Promise<Cost> {
  const total = (of: (pid: number) => number) => pids.reduce((sum, pid) => sum + of(pid), 0)
  for (const pid of pids) forgetPeak(pid)
  const before = total(cpuSeconds)
  const wallS = await run()
  return { cpuS: total(cpuSeconds) - before, wallS, peakBytes: total(peakResidentBytes) }
}

/** Lets the kernel count the largest resident size anew. */
function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

export function describeMachine(): string {
  return `machine: ${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}, commit ${commit()}`
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}

export const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`
export const millions = (perSecond: number): string => (perSecond / 1e6).toFixed(2)
