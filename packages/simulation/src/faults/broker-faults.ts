/** Faults of the broker: nodes that go down, leaders and coordinators that move, requests that fail at three moments. */
import type { ApiName, RequestFault } from '../broker/broker-faults.ts'
import type { SimulatedBroker } from '../broker/simulated-broker.ts'
import type { FaultClass, PlannedFault } from './fault.ts'
import type { ApplyFault } from './fault-engine.ts'

const FAILING_APIS: readonly (readonly ApiName[])[] = [
  ['END_TXN'],
  ['INIT_PRODUCER_ID'],
  ['ADD_PARTITIONS_TO_TXN'],
  ['PRODUCE'],
  ['FETCH'],
  ['END_TXN', 'ADD_PARTITIONS_TO_TXN', 'INIT_PRODUCER_ID', 'PRODUCE', 'FETCH'],
]
const SLOW_MS_MAX = 4000

export function brokerFaults(
  broker: SimulatedBroker,
  topicsNow: () => readonly string[],
): [FaultClass, ApplyFault][] {
  const failing = (moment: RequestFault['moment']): ApplyFault => {
    return (fault) => {
      const apis = pick(FAILING_APIS, fault.target)
      const times = 1 + Math.floor(fault.amount * 4)
      const delayMs = Math.round(fault.amount * SLOW_MS_MAX)
      const end = broker.faults.add({ moment, apis, times, delayMs, probability: 0.5 })
      return { about: `${moment}: ${times} of ${apis.join(', ')}`, end }
    }
  }
  return [
    [
      'broker-down',
      (fault) => {
        const node = pick(broker.state.nodes, fault.target)
        if (broker.processOf(node.id) === null) return null
        broker.stopNode(node.id)
        return { about: node.host, end: () => broker.startNode(node.id) }
      },
    ],
    [
      'leader-change',
      (fault) => {
        const topics = topicsNow()
        if (topics.length === 0) return null
        const topic = pick(topics, fault.target)
        const partitions = broker.state.topics.get(topic)?.length ?? 0
        if (partitions === 0) return null
        const partition = Math.floor(fault.amount * partitions)
        broker.moveLeader(topic, partition)
        return { about: `${topic}-${partition}`, end: () => {} }
      },
    ],
    [
      'coordinator-move',
      (fault) => {
        broker.moveCoordinators(Math.round(fault.amount * 2000))
        return { about: 'all', end: () => {} }
      },
    ],
    ['request-fails-before', failing('before')],
    ['request-fails-during', failing('during')],
    ['request-fails-after', failing('after')],
    [
      'broker-slow',
      (fault, reached) => failing(fault.amount < 0.5 ? 'slow' : 'late')(fault, reached),
    ],
  ]
}

function pick<T>(values: readonly T[], target: PlannedFault['target']): T {
  return values[Math.floor(target * values.length)] as T
}
