/**
 * Ends transactions: commits what a completed checkpoint pre-committed, aborts what no
 * checkpoint knows.
 *
 * Committing sends EndTxn with the stored producer id and epoch and never InitProducerId, which
 * would abort. Ids are unique to a checkpoint and an attempt, and InitProducerId stands before
 * every re-use, so a repeated EndTxn meets the same transaction or is refused (protocol TV1). Which
 * transactions an attempt may abort, and why, is said in transactional-id.ts.
 */
import type { Platform } from '@millrace/platform'
import type { KafkaClient } from '../client/kafka-client.ts'
import type { KafkaSettings } from '../client/kafka-properties.ts'
import { BrokerRefusal, protocolErrorName } from '../client/protocol-errors.ts'
import { kafkaError } from '../error-codes.ts'
import type { KafkaCommittable } from './committable.ts'
import { transactionOutcome } from './transaction-outcome.ts'
import {
  parseTransactionalId,
  type RestoredFacts,
  strayTransactions,
  transactionalIdOf,
  type WriterFacts,
} from './transactional-id.ts'

const TRANSACTION_TIMEOUT_DEFAULT_MS = 3_600_000
/** Kafka's own default, assumed when the broker may not be asked. */
const BROKER_TIMEOUT_MAX_DEFAULT_MS = 900_000
/** Ids tried one after another when ongoing transactions cannot be listed. */
const PROBES_MAX = 64
/**
 * So many in a row that were never used end the search. Checkpoint ids have gaps: of
 * checkpoints that failed before they came to the sink, and of ids that a former leader of the
 * JobManagers had reserved.
 */
const UNUSED_MAX = 8

const PASSED_OVER = {
  committed:
    'A transaction of the checkpoint was committed before: its commit marker stands in the topic',
  gone: 'A transaction of the checkpoint is not known any more, and retention has taken its records: nothing is left to commit',
} as const

/**
 * A refusal may mean that the commit was done and is forgotten: then the log says so. Only what is
 * really lost is an error.
 */
export async function commitTransactions(
  client: KafkaClient,
  committables: readonly KafkaCommittable[],
  lost: { readonly ignore: boolean } & Pick<Platform, 'clock' | 'logger'>,
): Promise<void> {
  for (const committable of committables) {
    const { transactionalId, place, producerId } = committable
    try {
      await client.endTxn(transactionalId, committable, true)
    } catch (error) {
      if (!(error instanceof BrokerRefusal)) throw error
      const outcome =
        place === null ? 'unknown' : await transactionOutcome(client, lost.clock, place, producerId)
      if (outcome === 'committed' || outcome === 'gone') {
        const refusal = protocolErrorName(error.code)
        lost.logger[outcome === 'gone' ? 'warn' : 'info'](PASSED_OVER[outcome], {
          ...{ transactionalId, refusal, place: JSON.stringify(place) },
        })
        continue
      }
      const message = `The transaction ${transactionalId} of a completed checkpoint can no longer be committed: ${protocolErrorName(error.code)}.`
      if (lost.ignore) {
        lost.logger.error(message, { transactionalId })
        continue
      }
      throw kafkaError('KAFKA_TRANSACTION_LOST', message, {
        hint: "It was open for longer than 'properties.transaction.timeout.ms' and its records are lost, or the broker has forgotten it and the topic does not show what became of it. Compare the output; 'sink.ignore-lost-transactions' = 'true' goes on without it.",
        cause: error,
      })
    }
  }
}

/**
 * Aborts ongoing transactions that no checkpoint has. Resolves with false when the cluster cannot
 * list them: they were looked for by trying names, which finds those without an owner only, and
 * `restored` must be given for that.
 */
export async function abortStrays(
  client: KafkaClient,
  facts: WriterFacts,
  restored: RestoredFacts | null,
  timeoutMs: number,
): Promise<boolean> {
  const ongoing = await client.listTransactions(['Ongoing'])
  if (ongoing !== null) {
    if (restored !== null && facts.claimedPrefix !== null) {
      requireNoRival(ongoing, facts.claimedPrefix, facts.lineage)
    }
    for (const id of strayTransactions(ongoing, facts, restored)) {
      await client.initProducerId(id, timeoutMs)
    }
    return true
  }
  if (restored !== null) await probeStrays(client, facts, restored, timeoutMs)
  return false
}

/**
 * Before anything is fenced. A rival may be alive or have died a moment ago: that cannot be told
 * apart, and it may have pre-committed what is open. Its own job, or one restored from its
 * checkpoint, is no rival and ends it.
 */
function requireNoRival(
  ongoing: readonly string[],
  prefix: string,
  lineage: ReadonlySet<string>,
): void {
  const rival = ongoing.find((id) => {
    const owner = parseTransactionalId(prefix, id)?.owner ?? null
    return owner !== null && !lineage.has(owner.job)
  })
  if (rival === undefined) return
  throw kafkaError(
    'KAFKA_TRANSACTIONAL_ID_PREFIX_IN_USE',
    `Choose another 'sink.transactional-id-prefix': under '${prefix}' another job has the transaction ${rival} open.`,
    {
      location: { optionKey: 'sink.transactional-id-prefix' },
      hint: "If that job is gone, start from its checkpoint, or wait until its 'properties.transaction.timeout.ms' has ended the transaction. Without both this option and 'sink.delivery-guarantee' every job has a prefix of its own.",
    },
  )
}

/**
 * As the reference does. Weaker than listing: attempts share their names, so one that was cut off
 * can abort what its successor wrote, and the loss is reported when the successor commits.
 */
async function probeStrays(
  client: KafkaClient,
  facts: WriterFacts,
  { checkpointId, precommitted }: RestoredFacts,
  timeoutMs: number,
): Promise<void> {
  const first = Math.max(checkpointId, 0) + 1
  for (const prefix of facts.prefixes) {
    for (let subtask = facts.subtask; ; subtask += facts.parallelism) {
      let used = 0
      let unused = 0
      for (let probe = 0; probe < PROBES_MAX && unused < UNUSED_MAX; probe++) {
        const id = transactionalIdOf(prefix, subtask, first + probe, null)
        const isUnused =
          !precommitted.has(id) && (await client.initProducerId(id, timeoutMs)).epoch === 0
        unused = isUnused ? unused + 1 : 0
        if (!isUnused) used++
      }
      if (used === 0) break
    }
  }
}

/** The timeout that transactions are begun with; throws KAFKA_TRANSACTION_TIMEOUT_TOO_LARGE. */
export async function transactionTimeoutMs(
  client: KafkaClient,
  settings: KafkaSettings,
): Promise<number> {
  const name = 'transaction.max.timeout.ms'
  const configs = await client.describeBrokerConfigs([name])
  const stated = configs?.get(name)
  const maxMs = stated === undefined ? BROKER_TIMEOUT_MAX_DEFAULT_MS : Number(stated)
  const wanted = settings.transactionTimeoutMs
  if (wanted === null) return Math.min(TRANSACTION_TIMEOUT_DEFAULT_MS, maxMs)
  if (stated === undefined || wanted <= maxMs) return wanted
  throw kafkaError(
    'KAFKA_TRANSACTION_TIMEOUT_TOO_LARGE',
    `Set 'properties.transaction.timeout.ms' to at most the broker's ${name} of ${maxMs}; it is ${wanted}.`,
    {
      location: { optionKey: 'properties.transaction.timeout.ms' },
      hint: `Or raise ${name} on the brokers.`,
    },
  )
}
