/**
 * Checkpoints in the JobManager's memory: enough to survive the loss of a TaskManager, gone with
 * the JobManager.
 *
 * All state arrives inline in acknowledgements; a limit keeps a large job from filling the
 * JobManager's heap.
 */
import { stateError } from '../error-codes.ts'
import { CHECKPOINT_DIRECTORY } from '../state-options.ts'
import { type CheckpointManifest, describeKnown, manifestStateSize } from './checkpoint-manifest.ts'
import type { CheckpointStorage, CompletedCheckpoint } from './checkpoint-storage.ts'

/** As in Flink's JobManagerCheckpointStorage. */
export const MEMORY_STATE_MAX_BYTES = 5 * 1024 * 1024

export class MemoryCheckpointStorage implements CheckpointStorage {
  readonly directory = null
  readonly #manifests = new Map<number, CheckpointManifest>()

  async prepare(): Promise<void> {}

  async removeProbes(): Promise<void> {}

  async complete(manifest: CheckpointManifest): Promise<CompletedCheckpoint> {
    const { checkpointId } = manifest
    const stateSizeBytes = manifestStateSize(manifest)
    if (stateSizeBytes > MEMORY_STATE_MAX_BYTES) {
      throw stateError(
        'CHECKPOINT_TOO_LARGE_FOR_MEMORY',
        `Checkpoint ${checkpointId} has ${stateSizeBytes} bytes of state; the JobManager keeps at most ${MEMORY_STATE_MAX_BYTES}.`,
        {
          hint: `Set '${CHECKPOINT_DIRECTORY.key}' to a directory that all processes share.`,
          location: { optionKey: CHECKPOINT_DIRECTORY.key },
        },
      )
    }
    if (this.#manifests.has(checkpointId)) {
      throw stateError(
        'CHECKPOINT_ALREADY_COMPLETE',
        `Checkpoint ${checkpointId} of job ${manifest.jobId} is already complete.`,
      )
    }
    this.#manifests.set(checkpointId, manifest)
    const externalPath = '<checkpoint-not-externally-addressable>'
    return { checkpointId, externalPath, stateSizeBytes, metadataSizeBytes: 0 }
  }

  async read(checkpointId: number): Promise<CheckpointManifest> {
    const manifest = this.#manifests.get(checkpointId)
    if (manifest !== undefined) return manifest
    const known = describeKnown(await this.list())
    throw stateError(
      'CHECKPOINT_NOT_FOUND',
      `Checkpoint ${checkpointId} is not in the JobManager’s memory; ${known}.`,
    )
  }

  async list(): Promise<number[]> {
    return [...this.#manifests.keys()].sort((a, b) => a - b)
  }

  async discard(checkpointId: number): Promise<void> {
    this.#manifests.delete(checkpointId)
  }

  async removeAbandoned(): Promise<number[]> {
    return []
  }

  async removeOthers(kept: ReadonlySet<number>, below: number): Promise<number[]> {
    const others = (await this.list()).filter((id) => id < below && !kept.has(id))
    for (const id of others) this.#manifests.delete(id)
    return others
  }

  /** Nothing is shared: all state is in the manifests. */
  async sharedSegments(): Promise<string[]> {
    return []
  }

  async removeSegments(): Promise<void> {}

  async discardAll(): Promise<void> {
    this.#manifests.clear()
  }
}
