/**
 * CheckpointWatchers: who wants to know what becomes of a job's checkpoints, one after another,
 * whoever asked for them. Savepoints are not among them.
 */
export interface CheckpointWatcher {
  /** It counts. */
  completed(checkpointId: number): void
  failed(checkpointId: number): void
}

export class CheckpointWatchers {
  readonly #watchers = new Set<CheckpointWatcher>()

  /** Until the returned function is called. */
  watch(watcher: CheckpointWatcher): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  completed(checkpointId: number): void {
    for (const watcher of [...this.#watchers]) watcher.completed(checkpointId)
  }

  failed(checkpointId: number): void {
    for (const watcher of [...this.#watchers]) watcher.failed(checkpointId)
  }
}
