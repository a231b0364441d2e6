/**
 * ClusterWatch: looks at a running cluster now and then, and gives the checkers what they
 * compare — watermarks, checkpoints and their state, leaders, queues.
 */
import { Configuration } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import { CheckpointingOptions, JobManagerOptions, type JobMaster } from '@millrace/jobmanager'
import { NETWORK_OPTIONS } from '@millrace/network/options'
import { checkRestorable } from '../checkers/checkpoint-checker.ts'
import { TablesChecker } from '../checkers/checkpoint-tables.ts'
import { LeaderChecker } from '../checkers/leader-checker.ts'
import { QueueChecker, queueLimitsOf } from '../checkers/queue-checker.ts'
import { type ObservedRegions, RegionChecker } from '../checkers/region-checker.ts'
import { SegmentChecker } from '../checkers/segment-checker.ts'
import { type Violation, violation } from '../checkers/violation.ts'
import { WaitsChecker } from '../checkers/waits-checker.ts'
import { WatermarkChecker } from '../checkers/watermark-checker.ts'
import { isNeighbour } from '../environment/neighbour-names.ts'
import {
  CHECKPOINT_DIRECTORY,
  type SimulatedEnvironment,
} from '../environment/simulated-environment.ts'
import { InstantFilesystem } from './instant-filesystem.ts'

const INTERVAL_MS = 200
const VIOLATIONS_MAX = 20
const JUDGE_INTERVAL_MS = 900

export class ClusterWatch {
  readonly leaders = new LeaderChecker()
  readonly #watermarks = new WatermarkChecker()
  readonly #queues: QueueChecker
  readonly #waits: WaitsChecker
  readonly #segments = new SegmentChecker()
  readonly #regions = new RegionChecker()
  readonly #found: Violation[] = []
  readonly #environment: SimulatedEnvironment
  #tables: TablesChecker | null = null
  readonly #seen = new Set<string>()
  /** Checkpoints whose state was judged. */
  readonly #judged = new Set<string>()
  #judgedAtMs = Number.NEGATIVE_INFINITY
  /** Job, leader and restarts, at the checkpoint that was judged last. */
  #judgedLife = ''
  readonly #keepsRegions: boolean
  #restorable = 0
  #stopped = false

  constructor(environment: SimulatedEnvironment) {
    this.#environment = environment
    const configuration = new Configuration(environment.shape.properties)
    this.#keepsRegions = configuration.get(JobManagerOptions.failoverStrategy) === 'region'
    this.#waits = new WaitsChecker(configuration.get(CheckpointingOptions.timeout))
    this.#queues = new QueueChecker(
      queueLimitsOf({
        segmentBytes: configuration.get(NETWORK_OPTIONS.segmentSize),
        buffersPerChannel: configuration.get(NETWORK_OPTIONS.buffersPerChannel),
        floatingBuffersPerGate: configuration.get(NETWORK_OPTIONS.floatingBuffersPerGate),
      }),
    )
  }

  /** Stopped and submitted again, a job has the same operators. */
  submitted(jobGraph: JobGraph): void {
    this.#tables ??= new TablesChecker(jobGraph, this.#environment.factories())
  }

  start(): void {
    if (this.#stopped) return
    this.#environment.world.after(INTERVAL_MS, () => {
      this.#look()
      this.start()
    })
  }

  stop(): void {
    this.#stopped = true
  }

  get violations(): Violation[] {
    return [
      ...this.leaders.violations,
      ...this.#watermarks.violations,
      ...this.#queues.violations,
      ...this.#waits.violations,
      ...this.#segments.violations,
      ...this.#regions.violations,
      ...this.#found,
    ].slice(0, VIOLATIONS_MAX)
  }

  get checks(): Record<string, number> {
    return {
      'one-leader': this.leaders.observed,
      watermarks: this.#watermarks.observed,
      'queue-bounds': this.#queues.observed,
      'named-waits': this.#waits.observed,
      'restorable-checkpoint': this.#restorable,
      'shared-segments': this.#segments.observed,
      regions: this.#regions.observed,
      'declared-state': this.#tables?.compared ?? 0,
    }
  }

  #look(): void {
    for (const { client, server } of this.#environment.network.links()) {
      if (client.process.parent === null || server.process.parent === null) continue
      this.#queues.link(client.process.name, server.process.name, client.bufferedBytes)
      this.#queues.link(server.process.name, client.process.name, server.bufferedBytes)
    }
    const leader = this.#environment.cluster.leader()
    if (leader === null) return
    for (const job of leader.jobManager.dispatcher.all()) {
      for (const { id, metrics } of job.graph.attempts()) {
        if (metrics === null) continue
        this.#queues.task(id, metrics.values ?? {})
        this.#watermarks.observe(id, 'input watermark', metrics.currentInputWatermark)
        for (const { operatorId, values } of metrics.operators) {
          const output = values.currentOutputWatermark
          if (output !== undefined) {
            this.#watermarks.observe(id, `output watermark of ${operatorId}`, output)
          }
        }
      }
      if (job.hasEnded) continue
      if (this.#keepsRegions) this.#regions.observe(regionsOf(job, leader.jobManager.epoch))
      const { history } = job.statistics.answer()
      if (!leader.process.paused) {
        const underWay = history.filter(({ status }) => status === 'IN_PROGRESS')
        const observed = {
          ...{ jobId: job.jobId, state: job.state, reason: job.statusReason() },
          underWay: underWay.map(({ id, num_acknowledged_subtasks, num_subtasks }) => ({
            id,
            acknowledged: num_acknowledged_subtasks >= num_subtasks,
          })),
        }
        this.#waits.observe(leader.jobManager.epoch, observed, INTERVAL_MS)
      }
      this.#segments.observe(this.#environment.disk, {
        directory: `${CHECKPOINT_DIRECTORY}/${job.jobId}`,
        life: `${job.jobId} ${leader.jobManager.epoch}`,
        completed: job.statistics.counts.completed,
      })
      for (const { status, discarded, external_path } of history) {
        if (status !== 'COMPLETED' || discarded || isNeighbour(job.jobId)) continue
        const location = external_path as string
        const life = `${job.jobId} ${leader.jobManager.epoch} ${job.restarts + job.lifecycle.rescales}`
        this.#checkpoint(location, life).catch((error) => {
          const details = [String((error as Error).stack ?? error)]
          this.#found.push(violation('checkpoints', `${location} could not be judged`, details))
        })
      }
    }
  }

  async #checkpoint(location: string, life: string): Promise<void> {
    if (!location.startsWith('/')) return
    this.#restorable++
    const disk = new InstantFilesystem(this.#environment.disk)
    const violation = await checkRestorable(location, disk)
    if (violation !== null) {
      if (!this.#seen.has(location)) this.#found.push(violation)
      this.#seen.add(location)
    } else if (this.#isToBeJudged(location, life)) {
      this.#judged.add(location)
      this.#judgedAtMs = this.#environment.world.nowMs
      this.#judgedLife = life
      this.#found.push(...((await this.#tables?.check(location, disk)) ?? []))
    }
  }

  /**
   * The first after each restart, and others now and then: what is wrong with a state stays
   * wrong for a while.
   */
  #isToBeJudged(location: string, life: string): boolean {
    if (this.#judged.has(location)) return false
    const sinceMs = this.#environment.world.nowMs - this.#judgedAtMs
    return life !== this.#judgedLife || sinceMs >= JUDGE_INTERVAL_MS
  }
}

function regionsOf(job: JobMaster, epoch: number): ObservedRegions {
  const { graph, failures, restarts, adaptive } = job
  const regions = adaptive === null ? [...new Set(graph.regions.values())] : []
  return {
    life: `${job.jobId} ${epoch}`,
    regions: regions.map((ids) => ({
      names: ids.map((id) => graph.vertices.get(id)?.vertex.name as string),
      attempts: [...graph.attempts(ids)].map(({ id }) => id).join(', '),
    })),
    failures: failures.entries.flatMap(({ root, concurrent }) => [root, ...concurrent]),
    restarts,
    rescales: job.lifecycle.rescales,
  }
}
