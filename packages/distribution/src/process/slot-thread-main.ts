/** What a slot's worker thread is made of. */
import { createNodePlatform, keepCompiledCode, workerEndpoint } from '@millrace/platform/node'
import { createSqlOperatorRegistry } from '@millrace/sql-operators/operators'
import { runSlot } from '@millrace/taskmanager/slot'
import { connectors, formats } from '../registry/connectors.ts'

const platform = createNodePlatform({ logger: { fields: { process: 'taskmanager' } } })

runSlot(
  platform,
  workerEndpoint(),
  () => createSqlOperatorRegistry({ connectors, formats, platform }),
  {
    memory: () => {
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      return { heapUsedBytes: heapUsed, arrayBufferBytes: arrayBuffers }
    },
  },
)
keepCompiledCode()
