/**
 * Brings tasks into slots: asks the pool for those that are missing, cuts the deployments, sends
 * them to all TaskManagers at once.
 *
 * `abandon` ends whatever is waited for: a step of an older round does nothing.
 */
import type { MillraceError, OperatorStateHandles, SubtaskStateHandles } from '@millrace/core'
import type { TaskCheckpointing } from '@millrace/protocol'
import {
  claimsOf,
  IGNORE_UNCLAIMED_STATE,
  type ReassignedChannels,
  type ReassignedState,
  reassignChannels,
  reassignState,
} from '@millrace/state'
import { jobManagerError } from '../error-codes.ts'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'
import { JobManagerOptions } from '../jobmanager-options.ts'
import { channelEdges, operatorsOf } from '../scheduler/channel-edges.ts'
import { JobSlots } from '../scheduler/job-slots.ts'
import { slotRequirements } from '../scheduler/slot-requirements.ts'
import { taskDeployments } from '../scheduler/task-deployments.ts'
import type { AllocatedSlot } from '../slot-pool/allocated-slot.ts'
import type { SlotPool, SlotRequest } from '../slot-pool/slot-pool.ts'
import type { JobState } from './job-state.ts'
import type { TaskCalls } from './task-calls.ts'

export interface DeploymentListener {
  /** The job cannot be deployed: no slots in time, a checkpoint that does not fit. */
  fail(error: unknown): void
  attemptsFailed(attempts: readonly ExecutionAttempt[], error: MillraceError): void
}

export class TaskDeployer {
  readonly slots = new JobSlots()
  readonly #job: JobState
  readonly #slotPool: SlotPool
  readonly #calls: TaskCalls
  readonly #listener: DeploymentListener
  #request: SlotRequest | null = null
  #round = 0

  constructor(job: JobState, slotPool: SlotPool, calls: TaskCalls, listener: DeploymentListener) {
    this.#job = job
    this.#slotPool = slotPool
    this.#calls = calls
    this.#listener = listener
  }

  /** `needs 3 slots, 2 registered, …` while slots are waited for. */
  describeWait(): string | null {
    return this.#request?.describe() ?? null
  }

  /** It waits for slots that are not there. */
  get isStarving(): boolean {
    return this.#request?.isStarving() ?? false
  }

  abandon(): void {
    this.#round++
    this.#request?.cancel()
    this.#request = null
  }

  /**
   * Deploys new attempts of the vertices, in the job's slots and as many new ones as its round
   * lacks.
   */
  deploy(vertexIds: ReadonlySet<string>): void {
    this.abandon()
    const round = this.#round
    const { graph } = this.#job.round
    for (const attempt of graph.attempts(vertexIds)) this.#job.move(attempt, 'SCHEDULED')
    for (const slot of this.slots.fit(slotRequirements(graph.jobGraph))) {
      this.#release(slot, 'the job runs in fewer slots now')
    }
    const missing = this.slots.missing()
    if (missing === 0) {
      this.#send(vertexIds)
      return
    }
    const request = this.#slotPool.request({
      jobId: this.#job.jobId,
      jobName: this.#job.jobGraph.name,
      count: missing,
      timeoutMs: this.#job.configuration.get(JobManagerOptions.slotRequestTimeout),
    })
    this.#request = request
    request.slots.then(
      (slots) => this.#granted(round, slots, vertexIds),
      (error) => {
        if (round !== this.#round) return
        this.#request = null
        this.#listener.fail(error)
      },
    )
  }

  #granted(round: number, slots: readonly AllocatedSlot[], vertexIds: ReadonlySet<string>): void {
    if (round !== this.#round) {
      for (const slot of slots) this.#release(slot, 'the job does not need the slot any more')
      return
    }
    this.#request = null
    const usable = slots.filter(({ taskManager }) => !taskManager.lost)
    this.slots.fill(usable)
    if (usable.length < slots.length) this.deploy(vertexIds)
    else this.#send(vertexIds)
  }

  #release(slot: AllocatedSlot, reason: string): void {
    void this.#slotPool.release(slot, reason)
  }

  /** Gives back the slots that `condition` names. */
  releaseSlots(condition: (slot: AllocatedSlot) => boolean, reason: string): AllocatedSlot[] {
    const released = this.slots.remove(condition)
    for (const slot of released) this.#release(slot, reason)
    return released
  }

  /** Gives everything back; resolves when the TaskManagers have confirmed it. */
  async releaseAll(reason: string): Promise<void> {
    const held = this.slots.remove(() => true)
    await Promise.all(held.map((slot) => this.#slotPool.release(slot, reason)))
  }

  /** Slots are gone by themselves. Vertices that wait for slots are asked for anew. */
  slotsGone(condition: (slot: AllocatedSlot) => boolean): AllocatedSlot[] {
    const gone = this.slots.remove(condition)
    if (gone.length === 0 || this.#request === null) return gone
    const waiting = new Set<string>()
    for (const { state, vertexId } of this.#job.round.graph.attempts()) {
      if (state === 'SCHEDULED') waiting.add(vertexId)
    }
    this.deploy(waiting)
    return gone
  }

  #send(vertexIds: ReadonlySet<string>): void {
    let restored: { operators: ReassignedState; channels: ReassignedChannels } | null
    try {
      restored = this.#restoredState()
    } catch (error) {
      this.#listener.fail(error)
      return
    }
    const { round, configuration, checkpoints } = this.#job
    const { graph } = round
    for (const id of vertexIds) {
      const group = graph.vertices.get(id)?.vertex.slotSharingGroup as string
      for (const attempt of graph.attempts([id])) {
        attempt.slot = this.slots.get(group, attempt.subtaskIndex)
        this.#job.move(attempt, 'DEPLOYING')
      }
    }
    const checkpointId = checkpoints?.completed.latest?.checkpointId ?? 0
    const batches = taskDeployments(graph, vertexIds, {
      configuration: configuration.toObject(),
      checkpointing: this.#checkpointing(),
      suspended: this.#job.stoppedBy !== null,
      restoredOf: (vertexId, subtaskIndex) =>
        restored === null
          ? null
          : {
              checkpointId,
              operators: this.#operatorsOf(restored.operators, vertexId, subtaskIndex),
              channels: restored.channels.get(vertexId)?.[subtaskIndex] ?? [],
            },
    })
    void this.#calls.deploy(batches, (slot, cause) => this.#refused(slot, cause))
  }

  #checkpointing(): TaskCheckpointing | null {
    const { checkpoints } = this.#job
    if (checkpoints?.isPeriodic !== true) return null
    return { mode: checkpoints.settings.mode, directory: checkpoints.storage.directory }
  }

  /** What tasks start from: the latest checkpoint, dealt out anew. */
  #restoredState(): { operators: ReassignedState; channels: ReassignedChannels } | null {
    const { checkpoints, round, configuration, platform } = this.#job
    const manifest = checkpoints?.completed.latest ?? null
    if (checkpoints === null || manifest === null) return null
    const { jobGraph } = round.graph
    const options = { ignoreUnclaimedState: configuration.get(IGNORE_UNCLAIMED_STATE) }
    const operators = reassignState(manifest, jobGraph.vertices, options)
    const channels: ReassignedChannels =
      manifest.inFlight === undefined
        ? new Map()
        : reassignChannels(manifest.inFlight, channelEdges(jobGraph), {
            ...options,
            claims: claimsOf(manifest, operatorsOf(jobGraph)),
          })
    const { statistics, completed } = checkpoints
    statistics.restored(manifest, platform.clock.nowMs(), completed.latestPath)
    return { operators, channels }
  }

  #operatorsOf(
    state: ReassignedState,
    vertexId: string,
    subtaskIndex: number,
  ): SubtaskStateHandles {
    const operators: Record<string, OperatorStateHandles> = {}
    for (const { id } of this.#job.round.graph.vertices.get(vertexId)?.vertex.operators ?? []) {
      const handles = state.get(id)?.[subtaskIndex] ?? null
      if (handles !== null) operators[id] = handles
    }
    return operators
  }

  #refused(slot: AllocatedSlot, cause: unknown): void {
    if (slot.taskManager.lost) return
    const attempts = this.#job.attemptsIn(
      (held) => held.allocationId === slot.allocationId,
      ({ state }) => state === 'DEPLOYING' || state === 'CANCELING',
    )
    if (attempts.length === 0) return
    const error = jobManagerError(
      'TASK_DEPLOYMENT_FAILED',
      `TaskManager '${slot.taskManager.id}' did not take the tasks for slot ${slot.slotIndex}.`,
      { location: { taskManager: slot.taskManager.id }, cause },
    )
    this.#listener.attemptsFailed(attempts, error)
  }
}
