/**
 * TransactionCoordinator: what each transactional id is doing, and what a producer may do next
 * (protocol TV1).
 *
 * Decides only: it answers with an error code and tells its hooks what began and what was
 * decided. A decision stands once it is made: a transaction in PrepareCommit is committed however
 * long its markers take.
 */
import { ProtocolError } from '@millrace/connector-kafka/protocol'

export type TransactionStatus =
  | 'Empty'
  | 'Ongoing'
  | 'PrepareCommit'
  | 'PrepareAbort'
  | 'CompleteCommit'
  | 'CompleteAbort'

export interface Transaction {
  readonly id: string
  producerId: number
  epoch: number
  status: TransactionStatus
  timeoutMs: number
  /** `topic-partition` names. */
  partitions: Set<string>
  /** Counts the transactions of the id: which one a timer was set for. */
  begun: number
  /** The newest epoch in which a transaction of the id came to its end; −1 before the first. */
  endedEpoch: number
}

export interface CoordinatorHooks {
  /** A transaction became ongoing. */
  began(transaction: Transaction): void
  /** Commit or abort is decided; the markers are to be written. */
  prepared(transaction: Transaction): void
}

export interface InitAnswer {
  readonly error: number
  readonly producerId: number
  readonly epoch: number
}

const EPOCH_MAX = 0x7fff
const { NONE, CONCURRENT_TRANSACTIONS, INVALID_TXN_STATE } = ProtocolError
const { INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED } = ProtocolError

const refusedInit = (error: number): InitAnswer => ({ error, producerId: -1, epoch: -1 })

export class TransactionCoordinator {
  readonly #hooks: CoordinatorHooks
  readonly #timeoutMaxMs: number
  readonly #transactions = new Map<string, Transaction>()
  #nextProducerId = 1000

  constructor(hooks: CoordinatorHooks, timeoutMaxMs: number) {
    this.#hooks = hooks
    this.#timeoutMaxMs = timeoutMaxMs
  }

  get(id: string): Transaction | undefined {
    return this.#transactions.get(id)
  }

  all(): IterableIterator<Transaction> {
    return this.#transactions.values()
  }

  /** As when the id was not used for longer than transactional.id.expiration.ms. */
  forget(id: string): void {
    this.#transactions.delete(id)
  }

  initProducerId(id: string | null, timeoutMs: number): InitAnswer {
    if (id === null) return { error: NONE, producerId: this.#nextProducerId++, epoch: 0 }
    if (timeoutMs <= 0 || timeoutMs > this.#timeoutMaxMs) {
      return refusedInit(ProtocolError.INVALID_TRANSACTION_TIMEOUT)
    }
    let transaction = this.#transactions.get(id)
    if (transaction === undefined) {
      transaction = {
        ...{ id, producerId: this.#nextProducerId++, epoch: -1, status: 'Empty', timeoutMs },
        ...{ partitions: new Set<string>(), begun: 0, endedEpoch: -1 },
      } satisfies Transaction
      this.#transactions.set(id, transaction)
    }
    switch (transaction.status) {
      case 'PrepareCommit':
      case 'PrepareAbort':
        return refusedInit(CONCURRENT_TRANSACTIONS)
      case 'Ongoing':
        this.fence(transaction)
        return refusedInit(CONCURRENT_TRANSACTIONS)
      default:
    }
    if (transaction.epoch >= EPOCH_MAX - 1) {
      transaction.producerId = this.#nextProducerId++
      transaction.epoch = 0
      transaction.endedEpoch = -1
    } else transaction.epoch++
    transaction.status = 'Empty'
    transaction.timeoutMs = timeoutMs
    transaction.partitions = new Set()
    return { error: NONE, producerId: transaction.producerId, epoch: transaction.epoch }
  }

  /** Aborts an ongoing transaction in a newer epoch, so that its producer can do no more. */
  fence(transaction: Transaction): void {
    transaction.epoch++
    transaction.status = 'PrepareAbort'
    this.#hooks.prepared(transaction)
  }

  #check(id: string, producerId: number, epoch: number): { error: number; found?: Transaction } {
    const found = this.#transactions.get(id)
    if (found === undefined || found.producerId !== producerId) {
      return { error: INVALID_PRODUCER_ID_MAPPING }
    }
    if (found.epoch !== epoch) return { error: PRODUCER_FENCED }
    return { error: NONE, found }
  }

  addPartitions(id: string, producerId: number, epoch: number, keys: readonly string[]): number {
    const { error, found } = this.#check(id, producerId, epoch)
    if (found === undefined) return error
    if (found.status === 'PrepareCommit' || found.status === 'PrepareAbort') {
      return CONCURRENT_TRANSACTIONS
    }
    const begins = found.status !== 'Ongoing'
    if (begins) found.partitions = new Set()
    for (const key of keys) found.partitions.add(key)
    if (begins) {
      found.status = 'Ongoing'
      found.begun++
      this.#hooks.began(found)
    }
    return NONE
  }

  /**
   * Whether the transaction may write to the partition; asked by its leader before
   * the first record.
   */
  verify(id: string, producerId: number, epoch: number, key: string): number {
    const { error, found } = this.#check(id, producerId, epoch)
    if (found === undefined) return error
    if (found.status === 'PrepareCommit' || found.status === 'PrepareAbort') {
      return CONCURRENT_TRANSACTIONS
    }
    return found.partitions.has(key) && found.status === 'Ongoing' ? NONE : INVALID_TXN_STATE
  }

  endTxn(id: string, producerId: number, epoch: number, commit: boolean): number {
    const { error, found } = this.#check(id, producerId, epoch)
    if (found === undefined) return error
    switch (found.status) {
      case 'Ongoing':
        found.status = commit ? 'PrepareCommit' : 'PrepareAbort'
        this.#hooks.prepared(found)
        return NONE
      case 'CompleteCommit':
        return commit ? NONE : INVALID_TXN_STATE
      case 'CompleteAbort':
        return commit ? INVALID_TXN_STATE : NONE
      case 'PrepareCommit':
        return commit ? CONCURRENT_TRANSACTIONS : INVALID_TXN_STATE
      case 'PrepareAbort':
        return commit ? INVALID_TXN_STATE : CONCURRENT_TRANSACTIONS
      case 'Empty':
        return INVALID_TXN_STATE
    }
  }

  /** All markers are written. */
  complete(transaction: Transaction): void {
    if (transaction.status === 'PrepareCommit') transaction.status = 'CompleteCommit'
    else if (transaction.status === 'PrepareAbort') transaction.status = 'CompleteAbort'
    transaction.endedEpoch = transaction.epoch
    transaction.partitions = new Set()
  }
}
