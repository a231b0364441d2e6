/**
 * The two engines as a benchmark sees them: a cluster that runs a script to its end, and
 * what that cost.
 *
 * CPU seconds are user + system of JobManager and TaskManagers (no broker, no planner's process)
 * from submission to the end; peak memory is of the same processes over that run alone; bytes of
 * checkpoints are what both engines' REST answers.
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
  /** The largest resident size of each. */
  readonly jobManagerBytes: number
  readonly taskManagerBytes: number
  readonly checkpoints: CheckpointCost
}

/** Of the completed checkpoints of a run. */
export interface CheckpointCost {
  readonly count: number
  /** Written by all of them. */
  readonly bytes: number
  /** What the last one refers to, written for it or before. */
  readonly lastStateBytes: number
}

/** What a run says of itself. */
interface Ended {
  readonly wallS: number
  readonly checkpoints: CheckpointCost
}

/** Of `/jobs/:jobid/checkpoints`. */
interface CheckpointHistory {
  readonly counts: { readonly completed: number }
  readonly history: readonly {
    readonly id: number
    readonly status: string
    readonly checkpointed_size: number
    readonly state_size: number
  }[]
}

/** So that the history of a run has all of its checkpoints. */
const HISTORY = { 'web.checkpoints.history': '100000' }

export interface Engine {
  readonly name: 'millrace' | 'flink'
  /** Runs the bounded job of a script. */
  run(script: string): Promise<Cost>
  stop(): Promise<void>
}

/** The other engine takes a quarter of an hour for 40 million rows, four times that beside others. */
const JOB_TIMEOUT_MS = 10_800_000
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
    properties: { ...HISTORY, ...settings.properties },
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
        const checkpoints = checkpointCost(await runner.rest.jobCheckpoints(jobId))
        return { wallS: (timestamps.FINISHED - timestamps.CREATED) / 1000, checkpoints }
      }),
    async stop() {
      await runner.close()
      await cluster.stop()
    },
  }
}

export async function startReference(settings: ReferenceClusterSettings): Promise<Engine> {
  const properties = { ...HISTORY, ...settings.properties }
  const cluster = await ReferenceCluster.start({ ...settings, properties })
  return {
    name: 'flink',
    run: (script) =>
      costOf(cluster.pids, async () => {
        const jobId = await cluster.submit(script)
        const wallS = await cluster.awaitFinished(jobId, JOB_TIMEOUT_MS)
        const history = (await cluster.checkpoints(jobId)) as unknown as CheckpointHistory
        return { wallS, checkpoints: checkpointCost(history) }
      }),
    stop: () => cluster.stop(),
  }
}

/** `pids`: the JobManager's, then those of TaskManagers. */
async function costOf(pids: readonly number[], run: () => Promise<Ended>): Promise<Cost> {
  const total = (of: (pid: number) => number) => pids.reduce((sum, pid) => sum + of(pid), 0)
  for (const pid of pids) forgetPeak(pid)
  const before = total(cpuSeconds)
  const ended = await run()
  const cpuS = total(cpuSeconds) - before
  const [jobManagerBytes = 0, ...others] = pids.map(peakResidentBytes)
  const taskManagerBytes = others.reduce((sum, bytes) => sum + bytes, 0)
  const peakBytes = jobManagerBytes + taskManagerBytes
  return { ...ended, cpuS, peakBytes, jobManagerBytes, taskManagerBytes }
}

function checkpointCost({ counts, history }: CheckpointHistory): CheckpointCost {
  const completed = history.filter(({ status }) => status === 'COMPLETED')
  if (completed.length !== counts.completed) {
    throw new Error(`Of ${counts.completed} checkpoints ${completed.length} are in the history.`)
  }
  const last = completed.reduce((one, other) => (other.id > one.id ? other : one), {
    ...{ id: 0, state_size: 0 },
  })
  const bytes = completed.reduce((sum, { checkpointed_size }) => sum + checkpointed_size, 0)
  return { count: completed.length, bytes, lastStateBytes: last.state_size }
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
