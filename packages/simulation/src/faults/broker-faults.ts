/**
 * Faults of the broker: nodes that go down or hang, leaders and coordinators that move, requests
 * that fail in every way that clients must expect, transactions that time out, ids that are
 * forgotten, records that retention takes.
 *
 * None takes away what a job still needs: a transaction times out before anything can have been
 * pre-committed in it, and retention stays behind what the job's group has committed.
 * (loss-faults.ts has those that do.)
 */
import { ProtocolError } from '@millrace/connector-kafka/protocol'
import type { ApiName, RequestFault } from '../broker/broker-faults.ts'
import type { SimulatedBroker } from '../broker/simulated-broker.ts'
import type { FaultClass, PlannedFault } from './fault.ts'
import type { AppliedFault, ApplyFault } from './fault-engine.ts'

const FAILING_APIS: readonly (readonly ApiName[])[] = [
  ['END_TXN'],
  ['INIT_PRODUCER_ID'],
  ['ADD_PARTITIONS_TO_TXN'],
  ['PRODUCE'],
  ['FETCH'],
  ['END_TXN', 'ADD_PARTITIONS_TO_TXN', 'INIT_PRODUCER_ID', 'PRODUCE', 'FETCH'],
]
const SLOW_MS_MAX = 4000
const MARKER_MS_MAX = 3000

interface Denial {
  readonly apis: readonly ApiName[]
  readonly errors: readonly number[]
}

const TRANSACTION_APIS = ['INIT_PRODUCER_ID', 'ADD_PARTITIONS_TO_TXN', 'END_TXN'] as const
/** Not done, for a reason that passes. */
const REFUSALS: readonly Denial[] = [
  {
    apis: TRANSACTION_APIS,
    errors: [
      ProtocolError.CONCURRENT_TRANSACTIONS,
      ProtocolError.NOT_COORDINATOR,
      ProtocolError.COORDINATOR_NOT_AVAILABLE,
      ProtocolError.COORDINATOR_LOAD_IN_PROGRESS,
    ],
  },
  {
    apis: ['PRODUCE'],
    errors: [
      ProtocolError.NOT_ENOUGH_REPLICAS,
      ProtocolError.NOT_LEADER_OR_FOLLOWER,
      ProtocolError.KAFKA_STORAGE_ERROR,
    ],
  },
  {
    apis: ['FETCH', 'LIST_OFFSETS'],
    errors: [ProtocolError.NOT_LEADER_OR_FOLLOWER, ProtocolError.KAFKA_STORAGE_ERROR],
  },
  { apis: ['OFFSET_COMMIT', 'LIST_TRANSACTIONS'], errors: [ProtocolError.NOT_COORDINATOR] },
]
/** Done, but the node gave up waiting for the others. */
const DOUBTS: readonly Denial[] = [
  {
    apis: TRANSACTION_APIS,
    errors: [ProtocolError.COORDINATOR_NOT_AVAILABLE, ProtocolError.NOT_COORDINATOR],
  },
  {
    apis: ['PRODUCE'],
    errors: [ProtocolError.NOT_ENOUGH_REPLICAS_AFTER_APPEND, ProtocolError.REQUEST_TIMED_OUT],
  },
]

export function brokerFaults(
  broker: SimulatedBroker,
  topicsNow: () => readonly string[],
): [FaultClass, ApplyFault][] {
  return [...nodeFaults(broker, topicsNow), ...requestFaults(broker), ...logFaults(broker)]
}

function nodeFaults(
  broker: SimulatedBroker,
  topicsNow: () => readonly string[],
): [FaultClass, ApplyFault][] {
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
      'broker-pause',
      (fault) => {
        const node = pick(broker.state.nodes, fault.target)
        if (!broker.state.isActing(node.id)) return null
        broker.pauseNode(node.id)
        return { about: node.host, end: () => broker.resumeNode(node.id) }
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
  ]
}

function requestFaults(broker: SimulatedBroker): [FaultClass, ApplyFault][] {
  const requests = (about: string, fault: RequestFault): AppliedFault => {
    let hits = 0
    const end = broker.faults.add({ ...fault, probability: 0.9, onHit: () => void hits++ })
    return { about, end, hasStruck: () => hits > 0 }
  }
  const failing = (moment: RequestFault['moment']): ApplyFault => {
    return (fault) => {
      const apis = pick(FAILING_APIS, fault.target)
      const times = 1 + Math.floor(fault.amount * 4)
      const delayMs = Math.round(fault.amount * SLOW_MS_MAX)
      const about = `${moment}: ${times} of ${apis.join(', ')}`
      return requests(about, { moment, apis, times, delayMs })
    }
  }
  const denying = (moment: 'refused' | 'unsure', denials: readonly Denial[]): ApplyFault => {
    return (fault) => {
      const { apis, errors } = pick(denials, fault.target)
      const error = pick(errors, fault.amount)
      const times = 1 + Math.floor(((fault.amount * 97) % 1) * 6)
      const about = `${moment} ${error}: ${times} of ${apis.join(', ')}`
      return requests(about, { moment, apis, error, times })
    }
  }
  const slow = [failing('slow'), failing('late')] as const
  return [
    ['request-fails-before', failing('before')],
    ['request-fails-during', failing('during')],
    ['request-fails-after', failing('after')],
    ['request-refused', denying('refused', REFUSALS)],
    ['request-unsure', denying('unsure', DOUBTS)],
    ['broker-slow', (fault, reached) => slow[fault.amount < 0.5 ? 0 : 1](fault, reached)],
  ]
}

function logFaults(broker: SimulatedBroker): [FaultClass, ApplyFault][] {
  return [
    [
      'slow-markers',
      (fault) => {
        const delayMs = 5 + Math.round(fault.amount ** 2 * MARKER_MS_MAX)
        const before = broker.inspect.delayedMarkers
        broker.delayMarkers(delayMs)
        return {
          about: `${delayMs} ms`,
          end: () => broker.delayMarkers(0),
          hasStruck: () => broker.inspect.delayedMarkers > before,
        }
      },
    ],
    [
      'transaction-timeout',
      () => {
        const { cancel, hasExpired } = broker.expireNextBegun()
        return { about: 'the next that begins', end: cancel, hasStruck: hasExpired }
      },
    ],
    [
      'transactional-id-forgotten',
      () => {
        const ended = broker.inspect
          .transactionalIds()
          .filter((id) => broker.inspect.transaction(id)?.status.startsWith('Complete'))
        if (ended.length === 0) return null
        for (const id of ended) broker.forgetTransactionalId(id)
        return { about: `${ended.length} ids`, end: () => {} }
      },
    ],
    [
      'retention',
      (fault) => {
        const behind = broker.inspect.committedBehind()
        if (behind.length === 0) return null
        const { topic, partition, offset } = pick(behind, fault.target)
        broker.deleteRecordsBefore(topic, partition, offset)
        return { about: `${topic}-${partition} before ${offset}`, end: () => {} }
      },
    ],
  ]
}

export function pick<T>(values: readonly T[], target: PlannedFault['target']): T {
  return values[Math.floor(target * values.length)] as T
}
