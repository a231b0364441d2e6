/**
 * JobManagers that share files, an object store, a clock and a network, and TaskManagers that
 * follow them. For tests only. Nothing here waits for the outside world, so `settle` lets all that
 * was begun come to its end.
 */
import { Configuration } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import type { Platform } from '@millrace/platform'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { JobManager } from '../job-manager.ts'
import { CHECKPOINTED, pipeline, silentLogger } from './cluster-harness.ts'
import { FakeTaskManager } from './fake-task-manager.ts'
import { ManualClock, settle } from './manual-clock.ts'
import { MemoryObjectStore, MemoryObjects } from './memory-object-store.ts'
import { MemoryRpc } from './memory-rpc.ts'

/** Of checkpoints. */
export const CHECKPOINT_DIRECTORY = '/checkpoints'

export interface HarnessMember {
  readonly jobManager: JobManager
  readonly store: MemoryObjectStore
  readonly address: string
}

export class HighAvailabilityHarness {
  readonly clock = new ManualClock()
  readonly rpc = new MemoryRpc()
  readonly objects = new MemoryObjects()
  readonly members: HarnessMember[] = []
  readonly filesystem = new MemoryFilesystem()
  #random = 0

  async start(count: number): Promise<void> {
    for (let n = 1; n <= count; n++) {
      const store = new MemoryObjectStore(this.objects)
      const platform = {
        clock: this.clock,
        rpc: this.rpc,
        random: { next: () => 0, bytes: (length: number) => this.#bytes(length) },
        logger: silentLogger,
        filesystem: this.filesystem,
        objectStores: store,
      } as unknown as Platform
      const port = 6200 + n
      const jobManager = new JobManager({
        platform,
        configuration: new Configuration({
          'jobmanager.rpc.port': String(port),
          'high-availability.type': 'filesystem',
          'high-availability.storageDir': '/ha',
          'execution.checkpointing.dir': CHECKPOINT_DIRECTORY,
        }),
        coordinators: new Map(),
        rest: false,
      })
      await jobManager.start()
      await settle()
      this.members.push({ jobManager, store, address: `127.0.0.1:${port}` })
    }
  }

  #bytes(length: number): Uint8Array {
    this.#random++
    return Uint8Array.from({ length }, (_, i) => (this.#random >> (8 * i)) & 255)
  }

  get leader(): HarnessMember | null {
    return this.members.find(({ jobManager }) => jobManager.servesClients) ?? null
  }

  async addTaskManager(slots: number): Promise<FakeTaskManager> {
    const taskManager = new FakeTaskManager(this.rpc, 'tm-1', slots, this.leader?.address ?? '')
    await taskManager.start()
    return taskManager
  }

  graph(parallelism = 1, configuration: Record<string, string> = {}): JobGraph {
    return pipeline(parallelism, { ...CHECKPOINTED, ...configuration })
  }

  /** Cuts the leader off the store until another one leads. */
  async takeOver(): Promise<HarnessMember> {
    const former = this.leader as HarnessMember
    former.store.isCut = true
    await this.clock.advance(14_000)
    const next = this.leader
    if (next === null || next === former) throw new Error('nobody took over')
    return next
  }
}
