/** The entry of slot threads in this package's tests; `distribution` has the real one. */
import { createNodePlatform, workerEndpoint } from '@millrace/platform/node'
import { runSlot } from '../slot/run-slot.ts'
import { testRegistry } from './test-operators.ts'

runSlot(createNodePlatform({ logger: { level: 'error' } }), workerEndpoint(), testRegistry, {
  memory: () => {
    const { heapUsed, external } = process.memoryUsage()
    return { heapUsedBytes: heapUsed, externalBytes: external }
  },
})
