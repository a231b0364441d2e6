/**
 * Where a slot's thread is, subtask by subtask: samples of its calls, each given to the subtask
 * whose step it was taken in.
 *
 * A sample that was taken elsewhere counts for every subtask as one in which it was not on the CPU,
 * under what it waited for.
 */
import type { Clock, Profiler, StackProfile } from '@millrace/platform'
import type { AttemptProfile, CallTree } from '@millrace/protocol'
import type { SlotExecutor } from '../executor/slot-executor.ts'
import type { TimingKind } from '../task/task-timing.ts'

/** A subtask, as it is profiled. */
export interface ProfiledTask {
  readonly attemptId: string
  readonly timingKind: TimingKind
}

export interface SlotProfile {
  readonly attempts: readonly AttemptProfile[]
  /** Of the last sample, innermost first. */
  readonly stack: readonly string[]
}

const WAITS: Readonly<Record<TimingKind, string>> = {
  idle: '(idle: waits for input)',
  backpressured: '(backpressured: waits for output)',
  busy: '(waits for its turn)',
}
const STACK_DEPTH_MAX = 100

interface Step {
  readonly task: object
  readonly fromMs: number
  readonly toMs: number
}

export async function profileSlot(
  { profiler, clock, executor }: { profiler: Profiler; clock: Clock; executor: SlotExecutor },
  tasks: () => ReadonlyMap<object, ProfiledTask>,
  settings: { readonly durationMs: number; readonly intervalMs: number },
): Promise<SlotProfile> {
  const steps: Step[] = []
  const stop = await profiler.start(settings.intervalMs)
  executor.observe((task, fromMs, toMs) => steps.push({ task, fromMs, toMs }))
  await new Promise<void>((resolve) => {
    clock.setTimer(settings.durationMs, resolve)
  })
  executor.observe(null)
  return attribute(await stop(), steps, tasks())
}

/** Pure. Steps follow each other. */
export function attribute(
  profile: StackProfile,
  steps: readonly Step[],
  tasks: ReadonlyMap<object, ProfiledTask>,
): SlotProfile {
  const trees = new Map([...tasks].map(([task, { attemptId }]) => [task, emptyProfile(attemptId)]))
  let next = 0
  for (const { atMs, node } of profile.samples) {
    while (next < steps.length && (steps[next] as Step).toMs < atMs) next++
    const step = steps[next]
    const running = step !== undefined && step.fromMs <= atMs ? step.task : null
    for (const [task, { onCpu, offCpu }] of trees) {
      if (task === running) addStack(onCpu, stackOf(profile, node).reverse())
      else addStack(offCpu, [WAITS[(tasks.get(task) as ProfiledTask).timingKind]])
    }
  }
  const last = profile.samples.at(-1)
  return {
    attempts: [...trees.values()],
    stack: last === undefined ? [] : stackOf(profile, last.node),
  }
}

function emptyProfile(attemptId: string) {
  return { attemptId, onCpu: emptyTree('root'), offCpu: emptyTree('root') }
}

interface Tree extends CallTree {
  value: number
  readonly children: Tree[]
}

function emptyTree(name: string): Tree {
  return { name, value: 0, children: [] }
}

/** Innermost first, without the engine's root. */
function stackOf({ nodes }: StackProfile, node: number): string[] {
  const stack: string[] = []
  for (let at = node; at >= 0; at = (nodes[at] as { parent: number }).parent) {
    const { name, parent } = nodes[at] as { name: string; parent: number }
    if (parent >= 0) stack.push(name)
  }
  return stack.slice(0, STACK_DEPTH_MAX)
}

/** `stack`: outermost first. */
function addStack(root: Tree, stack: readonly string[]): void {
  let tree = root
  tree.value++
  for (const name of stack) {
    let child = tree.children.find((other) => other.name === name)
    if (child === undefined) {
      child = emptyTree(name)
      tree.children.push(child)
    }
    child.value++
    tree = child
  }
}
