/**
 * The engine's own sampling profiler, of the thread that asks.
 *
 * Its inspector is loaded when somebody looks, and closed again behind each profile.
 */
import type { Profiler, StackNode, StackProfile } from '../profiler.ts'

interface EngineProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: {
      readonly functionName: string
      readonly url: string
      readonly lineNumber: number
    }
    readonly children?: readonly number[]
  }[]
  readonly startTime: number
  readonly samples?: readonly number[]
  readonly timeDeltas?: readonly number[]
}

export const nodeProfiler: Profiler = {
  async start(intervalMs) {
    const { Session } = await import('node:inspector/promises')
    const session = new Session()
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: Math.round(intervalMs * 1000) })
    await session.post('Profiler.start')
    return async () => {
      const { profile } = await session.post('Profiler.stop')
      session.disconnect()
      return readProfile(profile as EngineProfile)
    }
  },
}

/** The engine's times are those of the system's monotonic clock, in microseconds. */
function readProfile(profile: EngineProfile): StackProfile {
  const offsetMs = performance.now() - Number(process.hrtime.bigint() / 1000n) / 1000
  const places = new Map(profile.nodes.map(({ id }, index) => [id, index]))
  const parents = new Int32Array(profile.nodes.length).fill(-1)
  profile.nodes.forEach(({ children }, index) => {
    for (const child of children ?? []) parents[places.get(child) as number] = index
  })
  const nodes = profile.nodes.map(
    ({ callFrame }, index): StackNode => ({
      name: frameName(callFrame),
      parent: parents[index] as number,
    }),
  )
  let atMicros = profile.startTime
  const samples = (profile.samples ?? []).map((id, i) => {
    atMicros += profile.timeDeltas?.[i] ?? 0
    return { atMs: atMicros / 1000 + offsetMs, node: places.get(id) as number }
  })
  return { nodes, samples }
}

function frameName({ functionName, url, lineNumber }: EngineProfile['nodes'][number]['callFrame']) {
  const name = functionName === '' ? '(anonymous)' : functionName
  const file = url.replace(/^.*\/(packages|node_modules)\//, '').replace(/^.*\//, (path) => {
    return path.startsWith('file:') ? '' : path
  })
  return file === '' ? name : `${name} (${file}:${lineNumber + 1})`
}
