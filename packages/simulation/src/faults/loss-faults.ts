/**
 * Faults that take what a job may still need: records of its input that its group has not
 * committed, whole topics in whose place others of their name stand, and transactions that hold
 * records, pre-committed ones included. What was taken is kept in `Losses`.
 */
import type { SimulatedBroker } from '../broker/simulated-broker.ts'
import type { SimulatedWorld } from '../world/simulated-world.ts'
import { pick } from './broker-faults.ts'
import type { FaultClass, PlannedFault } from './fault.ts'
import type { AppliedFault, ApplyFault } from './fault-engine.ts'
import type { Losses } from './losses.ts'

const LOOK_MS = 5

export function lossFaults(
  world: SimulatedWorld,
  broker: SimulatedBroker,
  losses: Losses,
): [FaultClass, ApplyFault][] {
  return [
    [
      'retention-overtakes',
      waiting(world, 'records not yet committed', (fault) => {
        // Before anything is read a job begins with what is there, and commits where that was.
        const ahead = broker.inspect.committedAhead().filter(({ offset }) => offset > 0)
        if (ahead.length === 0) return null
        const { topic, partition, offset, endOffset } = pick(ahead, fault.target)
        const firstLeft = offset + 1 + Math.floor(fault.amount * (endOffset - offset))
        broker.deleteRecordsBefore(topic, partition, firstLeft)
        losses.recordsGone(topic, partition, firstLeft)
        return `${topic}-${partition} from ${offset} to ${firstLeft}`
      }),
    ],
    [
      'topic-made-anew',
      waiting(world, 'a topic that was read', (fault) => {
        const committed = broker.inspect.committedOffsets()
        if (committed.length === 0) return null
        const { topic } = pick(committed, fault.target)
        const former = broker.inspect.committedRecords(topic)
        broker.makeTopicAnew(topic)
        losses.topicMadeAnew(topic)
        // More records than were read of the former one: by its offsets nothing would seem amiss.
        for (const { partition, value } of [...former, ...former]) {
          broker.append(topic, partition, [value ?? ''])
        }
        return topic
      }),
    ],
    [
      'transaction-expires',
      waiting(world, 'a transaction with records', (fault) => {
        const holding = broker.inspect
          .openTransactions()
          .filter((each) => each.status === 'Ongoing' && each.holding.length > 0)
        if (holding.length === 0) return null
        const { transactionalId } = pick(holding, fault.target)
        if (!broker.expireTransaction(transactionalId)) return null
        losses.transactionGone(transactionalId)
        return transactionalId
      }),
    ],
  ]
}

/** Lies in wait until there is something to take; `take` says what it took. */
function waiting(
  world: SimulatedWorld,
  about: string,
  take: (fault: PlannedFault) => string | null,
): ApplyFault {
  return (fault): AppliedFault => {
    let taken: string | null = null
    let isOver = false
    const look = (): void => {
      if (isOver) return
      taken = take(fault)
      if (taken === null) world.after(LOOK_MS, look)
      else world.log.add(world.nowMs, 'faults', 'taken', `#${fault.id} ${taken}`)
    }
    look()
    return {
      about: taken ?? about,
      end: () => {
        isOver = true
      },
      hasStruck: () => taken !== null,
    }
  }
}
