/**
 * Random properties of the Kafka tables of a job: small fetches and batches, clients with
 * little patience.
 *
 * Small fetches make a reader fetch ahead of what it has emitted, and small batches let checkpoints
 * fall between them. Whatever is drawn, the output must be the same.
 */
import type { SeededRandom } from '../../world/seeded-random.ts'
import type { Workload } from '../workload.ts'

/**
 * Longer than a run may take: what a job has pre-committed in a transaction stays until
 * it commits it.
 */
const TRANSACTION_TIMEOUTS_MS = ['600000', '900000']

type Connectors = Pick<Workload, 'sourceProperties' | 'sinkProperties' | 'batchRowsMax'>

export function randomConnectors(random: SeededRandom): Connectors {
  const source: Record<string, string> = {}
  const sink: Record<string, string> = {}
  if (random.chance(0.7)) {
    source['properties.max.partition.fetch.bytes'] = random.pick(['1024', '1024', '4096'])
    source['properties.fetch.max.bytes'] = random.pick(['1024', '1024', '8192'])
  }
  if (random.chance(0.3)) source['properties.fetch.max.wait.ms'] = random.pick(['1', '50', '2000'])
  if (random.chance(0.4)) {
    sink['properties.batch.size'] = random.pick(['200', '2000', '16384'])
    sink['properties.linger.ms'] = random.pick(['0', '20', '200'])
    sink['properties.buffer.memory'] = '65536'
  }
  if (random.chance(0.2)) sink['properties.compression.type'] = 'gzip'
  if (random.chance(0.3)) {
    sink['properties.transaction.timeout.ms'] = random.pick(TRANSACTION_TIMEOUTS_MS)
  }
  for (const properties of [source, sink]) {
    if (!random.chance(0.25)) continue
    properties['properties.request.timeout.ms'] = random.pick(['1000', '3000'])
    properties['properties.default.api.timeout.ms'] = random.pick(['4000', '8000'])
  }
  const batchRowsMax = random.pick([1, 3, 10, 50, Number.POSITIVE_INFINITY])
  return { sourceProperties: source, sinkProperties: sink, batchRowsMax }
}
