/**
 * What the writers of sinks have in common whose rows are out as soon as they are written: nothing
 * to commit, nothing to keep, never full.
 */
import type { SinkWriter } from '@millrace/connector'
import type { ColumnBatch } from '@millrace/core'

export abstract class UncommittedWriter implements SinkWriter {
  abstract write(batch: ColumnBatch): void

  async open(): Promise<void> {}

  isAvailable(): boolean {
    return true
  }

  async prepareCommit(): Promise<[]> {
    return []
  }

  snapshotState(): [] {
    return []
  }

  async commit(): Promise<void> {}
  async finish(): Promise<void> {}
  close(): void {}
}
