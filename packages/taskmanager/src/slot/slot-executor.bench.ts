/**
 * What a step costs: a source, a fused operator and a sink in one task that move an empty-handed
 * batch, over the executor and the loop.
 *
 *     node packages/taskmanager/src/slot/slot-executor.bench.ts
 */
import {
  batchOf,
  type ChainedOperator,
  Configuration,
  type OperatorContext,
  type OperatorFactory,
  operatorFactory,
} from '@millrace/core'
import { networkSettingsOf, SlotExchange } from '@millrace/network'
import { createNodePlatform } from '@millrace/platform/node'
import { LocalCopies, StateMemory } from '@millrace/state'
import { SlotExecutor } from '../executor/slot-executor.ts'
import { LIVENESS_BYTES, SlotLiveness } from '../executor/slot-liveness.ts'
import { StreamTask } from '../task/stream-task.ts'
import { deploymentsOf, vertexOf } from '../testing/test-cluster.ts'
import { TEST_SCHEMA } from '../testing/test-operators.ts'

const BATCHES = 2_000_000
const platform = createNodePlatform({ logger: { level: 'error' } })
const batch = batchOf(TEST_SCHEMA, [['key', 1]])

function bare(create: (context: OperatorContext) => ChainedOperator): OperatorFactory {
  return operatorFactory({
    parse: () => null,
    states: () => [],
    create: (_, context) => create(context),
  })
}

const registry = new Map<string, OperatorFactory>([
  [
    'source',
    bare(({ output }) => {
      let left = BATCHES
      return {
        kind: 'source',
        operator: {
          open: () => {},
          poll: () => {
            output.emitBatch(batch)
            return --left > 0 ? 'more' : 'end-of-input'
          },
          whenAvailable: () => Promise.resolve(),
          snapshot: () => ({}),
          close: () => {},
        },
      }
    }),
  ],
  [
    'pass',
    bare(({ output }) => ({
      kind: 'operator',
      operator: {
        open: () => {},
        processBatch: (_input, each) => output.emitBatch(each),
        endInput: () => {},
        isBlocked: () => false,
        snapshot: () => ({}),
        close: () => {},
      },
    })),
  ],
])

const [deployment] = deploymentsOf(
  [vertexOf('bench', 1, ['source', 'pass', 'pass'], true)],
  { kind: 'forward' },
  [{ taskManagerId: 'tm', slotIndex: 0, dataAddress: '', allocationId: 'a' }],
)
const network = networkSettingsOf(new Configuration({}), 256 * 1024 * 1024, 1)
const startedMs = platform.clock.monotonicMs()
const startedCpu = platform.clock.processCpuMicros()
const task = new StreamTask({
  deployment: deployment!,
  configuration: new Configuration({}),
  leaderEpoch: 1,
  taskManagerId: 'tm',
  platform,
  registry,
  exchange: new SlotExchange(network, platform.clock, () => Promise.reject(new Error('unused'))),
  executor: new SlotExecutor(platform.clock, 4),
  liveness: new SlotLiveness(new SharedArrayBuffer(LIVENESS_BYTES)),
  stateMemory: new StateMemory(0),
  localCopies: new LocalCopies(),
  firstOrdinal: 1,
  cancellationTimeoutMs: 0,
  peerOf: () => ({ key: '', description: '', isSelf: true }),
  reporter: {
    state: (_state, ended) => {
      if (!ended) return
      const ms = platform.clock.monotonicMs() - startedMs
      const cpuMicros = platform.clock.processCpuMicros() - startedCpu
      const perBatch = (ms * 1000) / BATCHES
      process.stdout.write(
        `${BATCHES} steps of source -> pass -> pass: ${perBatch.toFixed(3)} µs a batch, ${(cpuMicros / BATCHES).toFixed(3)} µs CPU\n`,
      )
    },
    acknowledge: () => {},
    decline: () => {},
    operatorEvent: () => Promise.resolve(null),
    stuck: () => {},
    done: () => {},
  },
})
void task.start()
