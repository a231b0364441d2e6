/**
 * Names of transactions: `<prefix>-<subtask>-<checkpoint>-<owner>-<leader epoch>-<attempt>`, where
 * the transaction opened after checkpoint n carries n + 1, and the owner tells the sinks of all
 * jobs apart. `-<n>` follows when n earlier requests to begin it were not answered: a late one must
 * not meet, and abort, the transaction that came to be.
 *
 * Why the attempt is part of it: an attempt that was cut off from the JobManager, but not from the
 * broker, goes on for a while beside its successor, from the same checkpoint. With one id for both,
 * the later InitProducerId aborts what the other wrote. With ids of their own, every meeting of an
 * older attempt A and a newer one B ends well:
 * - A begins, writes, pre-commits or aborts at any time: only transactions of A are touched.
 *   No checkpoint will have them, since the JobManager counts acknowledgements of current
 *   attempts alone.
 * - A opens late and aborts strays: those of attempts older than A, so none of B's.
 * - A commits late, told so or restored: only what a completed checkpoint holds, which B, restored
 *   from that one or a later one, wants committed too. Committing twice is harmless.
 * - A begins a transaction after B has aborted strays, and dies: readers wait for it until B looks
 *   again, which it does after its checkpoints and at its end, or until the transaction times out.
 *
 * What B may abort of A's: when B opens, transactions of checkpoints after the restored one
 * (earlier ones may be another subtask's to commit, after a change of parallelism). Once a
 * checkpoint of B is complete, all of them: every subtask has opened by then, and commits what it
 * was restored with before anything else.
 *
 * Strays are those of the job's lineage alone, known by their owner and whatever their prefix:
 * the job itself, and those that wrote the checkpoints it came from (the sink's state names
 * them). What another job has open is its own, under the same prefix too: it may be alive. Names
 * without an owner (earlier versions, and clusters that cannot list transactions) go by a prefix
 * that the lineage had.
 */
import { type AttemptOrder, isOlderAttempt, type SubtaskInfo, stableId } from '@millrace/core'

/** One attempt of one sink of one job. */
export interface TransactionOwner extends AttemptOrder {
  /** 8 hex digits. */
  readonly job: string
  /** 4 hex digits: two sinks of a job may have the same prefix. */
  readonly sink: string
}

export function transactionOwnerOf(subtask: SubtaskInfo): TransactionOwner {
  return {
    job: stableId(subtask.jobId).slice(0, 8),
    sink: stableId(subtask.operatorId).slice(0, 4),
    leaderEpoch: subtask.leaderEpoch,
    attempt: subtask.attempt,
  }
}

/**
 * `owner` is null where transactions cannot be listed: such ids can be guessed, so they do not
 * depend on `begins`.
 */
export function transactionalIdOf(
  prefix: string,
  subtask: number,
  checkpointId: number,
  owner: TransactionOwner | null,
  begins = 0,
): string {
  const name = `${prefix}-${subtask}-${checkpointId}`
  if (owner === null) return name
  const own = `${name}-${owner.job}${owner.sink}-${owner.leaderEpoch}-${owner.attempt}`
  return begins === 0 ? own : `${own}-${begins}`
}

export interface TransactionName {
  readonly subtask: number
  readonly checkpointId: number
  readonly owner: TransactionOwner | null
}

const PATTERN =
  /^(\d{1,9})-(\d{1,15})(?:-([0-9a-f]{8})([0-9a-f]{4})-(\d{1,15})-(\d{1,9})(?:-\d{1,9})?)?$/

/** Null when the id is not one of this prefix. */
export function parseTransactionalId(prefix: string, id: string): TransactionName | null {
  if (!id.startsWith(`${prefix}-`)) return null
  const match = PATTERN.exec(id.slice(prefix.length + 1))
  if (match === null) return null
  const [, subtask, checkpointId, job, sink = '', leaderEpoch, attempt] = match
  return {
    subtask: Number(subtask),
    checkpointId: Number(checkpointId),
    owner:
      job === undefined
        ? null
        : { job, sink, leaderEpoch: Number(leaderEpoch), attempt: Number(attempt) },
  }
}

export interface WriterFacts {
  /** That the lineage had; for names without an owner. */
  readonly prefixes: readonly string[]
  /** The prefix that the table names, which no other job may use; null when it is the job's own. */
  readonly claimedPrefix: string | null
  /**
   * `TransactionOwner.job` of this job and of those whose checkpoint it was restored from, one
   * after another.
   */
  readonly lineage: ReadonlySet<string>
  readonly subtask: number
  readonly parallelism: number
  readonly owner: TransactionOwner
}

export interface RestoredFacts {
  /** Transactions up to this checkpoint are the restored checkpoint's own; -1 in a fresh start. */
  readonly checkpointId: number
  readonly precommitted: ReadonlySet<string>
}

/**
 * Which ongoing transactions this subtask aborts, of its share (also of subtasks that are gone
 * after a scale-down). `restored` is null once a checkpoint of this attempt is complete.
 */
export function strayTransactions(
  ongoing: readonly string[],
  facts: WriterFacts,
  restored: RestoredFacts | null,
): string[] {
  const { owner: own, lineage } = facts
  return ongoing.filter((id) => {
    if (restored?.precommitted.has(id)) return false
    const name = ownedName(id) ?? plainName(id, facts.prefixes)
    if (name === null || name.subtask % facts.parallelism !== facts.subtask) return false
    const { owner } = name
    if (owner !== null && (!lineage.has(owner.job) || owner.sink !== own.sink)) return false
    if (restored === null) return isPredecessor(name, own)
    // Without a checkpoint nothing says that names without an owner are the lineage's.
    if (owner === null && restored.checkpointId < 0) return false
    if (name.checkpointId <= restored.checkpointId) return false
    return owner?.job !== own.job || isPredecessor(name, own)
  })
}

const OWNED = /-(\d{1,9})-(\d{1,15})-([0-9a-f]{8})([0-9a-f]{4})-(\d{1,15})-(\d{1,9})(?:-\d{1,9})?$/

/** Whatever the prefix; null of a name without an owner. */
export function ownedName(
  id: string,
): (TransactionName & { readonly owner: TransactionOwner }) | null {
  const match = OWNED.exec(id)
  if (match === null) return null
  const [, subtask, checkpointId, job = '', sink = '', leaderEpoch, attempt] = match
  return {
    subtask: Number(subtask),
    checkpointId: Number(checkpointId),
    owner: { job, sink, leaderEpoch: Number(leaderEpoch), attempt: Number(attempt) },
  }
}

function plainName(id: string, prefixes: readonly string[]): TransactionName | null {
  for (const prefix of prefixes) {
    const name = parseTransactionalId(prefix, id)
    if (name !== null) return name
  }
  return null
}

/** An older attempt of the same sink of the same job. */
function isPredecessor({ owner }: TransactionName, own: TransactionOwner): boolean {
  if (owner === null || owner.job !== own.job || owner.sink !== own.sink) return false
  return isOlderAttempt(owner, own)
}
