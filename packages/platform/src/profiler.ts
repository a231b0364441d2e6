/**
 * Profiler: samples of where the present thread is, for people who look; nothing while nobody does.
 *
 * Absent in the simulation.
 */
export interface StackNode {
  /** The function with its place, e.g. `poll (network/input/gate.ts:120)`. */
  readonly name: string
  /** Index of its caller among the nodes; -1: it has none. */
  readonly parent: number
}

export interface StackSample {
  /** Of the monotonic clock. */
  readonly atMs: number
  /** Index of the innermost call among the nodes. */
  readonly node: number
}

export interface StackProfile {
  readonly nodes: readonly StackNode[]
  readonly samples: readonly StackSample[]
}

export interface Profiler {
  /** Samples every `intervalMs` until the function is called that it resolves with. */
  start(intervalMs: number): Promise<() => Promise<StackProfile>>
}
