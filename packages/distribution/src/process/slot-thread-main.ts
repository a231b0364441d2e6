/** What a slot's worker thread is made of. */
import { keepCompiledCode, releaseLoadingGarbage, workerEndpoint } from '@millrace/platform/node'
import { createSqlOperatorRegistry } from '@millrace/sql-operators/operators'
import { runSlot } from '@millrace/taskmanager/slot'
import { connectors, formats } from '../registry/connectors.ts'
import { processPlatform } from './process-platform.ts'
import type { SlotThreadData } from './slot-thread-data.ts'

const endpoint = workerEndpoint()
const { s3 } = endpoint.data as SlotThreadData
const platform = processPlatform(s3, { logger: { fields: { process: 'taskmanager' } } })

runSlot(platform, endpoint, () => createSqlOperatorRegistry({ connectors, formats, platform }), {
  memory: () => {
    // Array buffers among it, and the memories of large state tables.
    const { heapUsed, external } = process.memoryUsage()
    return { heapUsedBytes: heapUsed, externalBytes: external }
  },
})
keepCompiledCode()
releaseLoadingGarbage()
