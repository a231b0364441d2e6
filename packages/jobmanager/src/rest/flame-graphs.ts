/**
 * FlameGraphs: where the time of a vertex's subtasks goes, sampled when somebody looks.
 *
 * The first request of a vertex has its TaskManagers take samples, and is answered that they are
 * being taken; what came of them is shown until it is older than
 * `rest.flamegraph.refresh-interval`, when a request takes new ones. Nothing is sampled while
 * nobody asks.
 */
import type { Clock } from '@millrace/platform'
import type { AttemptProfile, Fence } from '@millrace/protocol'
import type { FlameGraphAnswer, FlameGraphNode } from '@millrace/rest-api'
import type { ExecutionVertex } from '../execution-graph/execution-graph.ts'
import type { RegisteredTaskManager } from '../taskmanager-registry/registered-task-manager.ts'

export type FlameGraphType = 'FULL' | 'ON_CPU' | 'OFF_CPU'

export interface FlameGraphSettings {
  readonly refreshMs: number
  readonly cleanUpMs: number
  readonly samples: number
  readonly delayMs: number
}

interface Samples {
  readonly endMs: number
  readonly bySubtask: ReadonlyMap<number, AttemptProfile>
}

const WAITING: FlameGraphAnswer = { endTimestamp: -3 }

export class FlameGraphs {
  readonly #clock: Clock
  readonly #settings: FlameGraphSettings
  readonly #samples = new Map<string, Samples>()
  readonly #underWay = new Set<string>()

  constructor(clock: Clock, settings: FlameGraphSettings) {
    this.#clock = clock
    this.#settings = settings
  }

  /** `subtask` null: of all. */
  answer(
    key: string,
    vertex: ExecutionVertex,
    fence: Fence,
    wanted: { readonly type: FlameGraphType; readonly subtask: number | null },
  ): FlameGraphAnswer {
    const known = this.#samples.get(key)
    const nowMs = this.#clock.nowMs()
    if (known === undefined || nowMs - known.endMs > this.#settings.refreshMs) {
      void this.#take(key, vertex, fence)
    }
    if (known === undefined) return WAITING
    const profiles = [...known.bySubtask].filter(
      ([index]) => wanted.subtask === null || index === wanted.subtask,
    )
    const trees = profiles.flatMap(([, { onCpu, offCpu }]) => [
      ...(wanted.type === 'OFF_CPU' ? [] : [onCpu]),
      ...(wanted.type === 'ON_CPU' ? [] : [offCpu]),
    ])
    return { endTimestamp: known.endMs, data: merged('root', trees) }
  }

  async #take(key: string, { subtasks }: ExecutionVertex, fence: Fence): Promise<void> {
    if (this.#underWay.has(key)) return
    this.#underWay.add(key)
    const { samples, delayMs, cleanUpMs } = this.#settings
    const places = new Map<string, number>()
    const byTaskManager = new Map<RegisteredTaskManager, string[]>()
    for (const { index, current } of subtasks) {
      if (current.slot === null) continue
      places.set(current.id, index)
      const { taskManager } = current.slot
      byTaskManager.set(taskManager, [...(byTaskManager.get(taskManager) ?? []), current.id])
    }
    const asked = [...byTaskManager].map(async ([{ gateway }, attemptIds]) => {
      const times = { durationMs: samples * delayMs, intervalMs: delayMs }
      const question = { kind: 'profile', attemptIds, ...times } as const
      // One without a profiler has none.
      return ((await gateway.inspect({ fence, question })).answer ?? []) as AttemptProfile[]
    })
    const answers = await Promise.allSettled(asked)
    this.#underWay.delete(key)
    const profiles = answers.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
    // None answered: the next request asks again.
    if (profiles.length === 0) return
    const bySubtask = new Map(
      profiles.map((profile) => [places.get(profile.attemptId) as number, profile]),
    )
    const taken = { endMs: this.#clock.nowMs(), bySubtask }
    this.#samples.set(key, taken)
    const forget = () => {
      if (this.#samples.get(key) === taken) this.#samples.delete(key)
    }
    this.#clock.setTimer(cleanUpMs, forget, { unref: true })
  }
}

/** One tree of all, calls of the same name together. */
function merged(name: string, trees: readonly FlameGraphNode[]): FlameGraphNode {
  const byName = new Map<string, FlameGraphNode[]>()
  for (const child of trees.flatMap(({ children }) => children)) {
    byName.set(child.name, [...(byName.get(child.name) ?? []), child])
  }
  return {
    name,
    value: trees.reduce((sum, { value }) => sum + value, 0),
    children: [...byName].map(([childName, same]) => merged(childName, same)),
  }
}
