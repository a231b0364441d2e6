/**
 * Names of transactions: `<prefix>-<subtask>-<checkpoint>-<owner>-<leader epoch>-<attempt>`, where the transaction
 * opened after checkpoint n carries n + 1, and the owner tells the sinks of all jobs apart. `-<n>` follows when n
 * earlier requests to begin it were not answered: a late one must not meet, and abort, the transaction that came to be.
 *
 * Why the attempt is part of it: an attempt that was cut off from the JobManager, but not from the broker, goes on for
 * a while beside its successor, from the same checkpoint. With one id for both, the later InitProducerId aborts what
 * the other wrote. With ids of their own, every meeting of an older attempt A and a newer one B ends well:
 * - A begins, writes, pre-commits or aborts at any time: only transactions of A are touched. No checkpoint will have
 *   them, since the JobManager counts acknowledgements of current attempts alone.
 * - A opens late and aborts strays: those of attempts older than A, so none of B's.
 * - A commits late, told so or restored: only what a completed checkpoint holds, which B, restored from that one or a
 *   later one, wants committed too. Committing twice is harmless.
 * - A begins a transaction after B has aborted strays, and dies: readers wait for it until B looks again, which it
 *   does after its checkpoints and at its end, or until the transaction times out.
 *
 * What B may abort of A's: when B opens, transactions of checkpoints after the restored one (earlier ones may be
 * another subtask's to commit, after a change of parallelism). Once a checkpoint of B is complete, all of them: every
 * subtask has opened by then, and commits what it was restored with before anything else.
 *
 * Of other jobs with the same prefix, and of names without an attempt (earlier versions, and clusters that cannot list
 * transactions), there is no order; as these are predecessors as a rule, they are treated as older, when B opens only.
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

/** `owner` is null where transactions cannot be listed: such ids can be guessed, so they do not depend on `begins`. */
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
  readonly prefixes: readonly string[]
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
 * Which ongoing transactions this subtask aborts, of its share (also of subtasks that are gone after a scale-down).
 * `restored` is null once a checkpoint of this attempt is complete.
 */
export function strayTransactions(
  ongoing: readonly string[],
  facts: WriterFacts,
  restored: RestoredFacts | null,
): string[] {
  return ongoing.filter((id) => {
    if (restored?.precommitted.has(id)) return false
    return facts.prefixes.some((prefix) => {
      const name = parseTransactionalId(prefix, id)
      if (name === null || name.subtask % facts.parallelism !== facts.subtask) return false
      if (restored === null) return isPredecessor(name, facts.owner)
      if (name.checkpointId <= restored.checkpointId) return false
      return name.owner?.job !== facts.owner.job || isPredecessor(name, facts.owner)
    })
  })
}

/** An older attempt of the same sink of the same job. */
function isPredecessor({ owner }: TransactionName, own: TransactionOwner): boolean {
  if (owner === null || owner.job !== own.job || owner.sink !== own.sink) return false
  return isOlderAttempt(owner, own)
}
