/**
 * The entry of a slot's thread: waits to be told which slot it is, then serves it.
 *
 * `distribution`'s thread entry is `runSlot(createNodePlatform(…), workerEndpoint(),
 * makeRegistry)`. A thread may be started ahead of need (prewarmed): everything that can be loaded
 * before a job is known is loaded by the registry maker.
 */
import { type OperatorRegistry, toErrorData } from '@millrace/core'
import type { MessageEndpoint, Platform } from '@millrace/platform'
import type { FromSlot, ToSlot } from './slot-messages.ts'
import { SlotRuntime, type ThreadMemory } from './slot-runtime.ts'

export interface RunSlotOptions {
  /** Memory of this thread, for the limit on typed arrays and for metrics. */
  readonly memory?: () => ThreadMemory
}

export function runSlot(
  platform: Platform,
  endpoint: MessageEndpoint,
  makeRegistry: (platform: Platform) => OperatorRegistry | Promise<OperatorRegistry>,
  options: RunSlotOptions = {},
): void {
  let runtime: SlotRuntime | null = null
  const early: ToSlot[] = []
  const registry = Promise.resolve().then(() => makeRegistry(platform))
  // Reported when the slot is started; until then nobody listens.
  registry.catch(() => {})

  const start = async (message: ToSlot & { kind: 'start' }): Promise<void> => {
    try {
      const made = new SlotRuntime(
        platform,
        endpoint,
        await registry,
        message,
        options.memory ?? null,
      )
      await made.open()
      runtime = made
      for (const waiting of early.splice(0)) made.handle(waiting)
    } catch (error) {
      endpoint.post({ kind: 'start-failed', error: toErrorData(error) } satisfies FromSlot)
    }
  }

  endpoint.onMessage((raw) => {
    const message = raw as ToSlot
    if (runtime !== null) runtime.handle(message)
    else if (message.kind === 'start') void start(message)
    else early.push(message)
  })
}
