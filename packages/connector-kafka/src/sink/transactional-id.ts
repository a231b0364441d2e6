/**
 * Names of transactions: `<prefix>-<subtask>-<checkpoint>`, where the transaction opened after checkpoint n
 * carries n + 1.
 */
export function transactionalIdOf(prefix: string, subtask: number, checkpointId: number): string {
  return `${prefix}-${subtask}-${checkpointId}`
}

export interface TransactionName {
  readonly subtask: number
  readonly checkpointId: number
}

/** Null when the id is not one of this prefix. */
export function parseTransactionalId(prefix: string, id: string): TransactionName | null {
  if (!id.startsWith(`${prefix}-`)) return null
  const match = /^(\d{1,9})-(\d{1,15})$/.exec(id.slice(prefix.length + 1))
  return match === null ? null : { subtask: Number(match[1]), checkpointId: Number(match[2]) }
}

export interface StrayFacts {
  readonly prefixes: readonly string[]
  readonly subtask: number
  readonly parallelism: number
  /** Transactions up to this checkpoint are the restored checkpoint's own; -1 in a fresh start. */
  readonly restoredCheckpointId: number
  readonly precommitted: ReadonlySet<string>
}

/**
 * Which ongoing transactions this subtask aborts: those of its share (also of subtasks that are gone after a
 * scale-down) that belong to no
 * checkpoint it was restored from.
 */
export function strayTransactions(ongoing: readonly string[], facts: StrayFacts): string[] {
  return ongoing.filter((id) => {
    if (facts.precommitted.has(id)) return false
    return facts.prefixes.some((prefix) => {
      const name = parseTransactionalId(prefix, id)
      if (name === null || name.subtask % facts.parallelism !== facts.subtask) return false
      return name.checkpointId > facts.restoredCheckpointId
    })
  })
}
