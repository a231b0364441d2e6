/**
 * Where a job's complete checkpoints are, for the JobManager.
 *
 * Two kinds: a directory that all processes share, and the JobManager's own memory when no
 * directory is configured. A checkpoint is complete when `complete` has resolved, and stays
 * readable until `discard`, whatever crashes in between.
 */
import type { CheckpointManifest } from './checkpoint-manifest.ts'

export interface CompletedCheckpoint {
  readonly checkpointId: number
  /**
   * Path of the checkpoint's directory as REST shows it; `<checkpoint-not-externally-addressable>`
   * when in memory.
   */
  readonly externalPath: string
  /** Bytes of state that it refers to, and of its metadata. */
  readonly stateSizeBytes: number
  readonly metadataSizeBytes: number
}

export interface CheckpointStorage {
  /** The job's own directory, for `TaskCheckpointing.directory`; null: in memory. */
  readonly directory: string | null
  /**
   * At job start: makes the directory and tries to write to it. Rejects with
   * CHECKPOINT_DIRECTORY_UNUSABLE, or with what keeps the storage from answering for a while.
   */
  prepare(): Promise<void>
  /** What `prepare` left behind, failing or killed while it tried whether it can write. */
  removeProbes(): Promise<void>
  /**
   * Writes the manifest, once and atomically. Rejects with CHECKPOINT_WRITE_FAILED,
   * CHECKPOINT_ALREADY_COMPLETE, CHECKPOINT_TOO_LARGE_FOR_MEMORY.
   */
  complete(manifest: CheckpointManifest): Promise<CompletedCheckpoint>
  /**
   * Rejects with CHECKPOINT_NOT_FOUND (saying what there is), CHECKPOINT_METADATA_CORRUPTED,
   * CHECKPOINT_VERSION_UNSUPPORTED, STATE_UNREADABLE.
   */
  read(checkpointId: number): Promise<CheckpointManifest>
  /** Ids of complete checkpoints, ascending. */
  list(): Promise<number[]>
  /** Removes a checkpoint, complete or not; missing is fine. */
  discard(checkpointId: number): Promise<void>
  /** Removes what incomplete checkpoints left behind, except those under way. Returns their ids. */
  removeAbandoned(underWay: ReadonlySet<number>): Promise<number[]>
  /**
   * Removes checkpoints with ids below `below`, complete or not, except `kept`, and the shared
   * segments that such wrote and no complete one refers to any more. Returns their ids.
   */
  removeOthers(kept: ReadonlySet<number>, below: number): Promise<number[]>
  /** Files that checkpoints share, needed or not; see `sharedPath`. */
  sharedSegments(): Promise<string[]>
  /** Removes files that checkpoints shared; missing ones are fine. */
  removeSegments(paths: readonly string[]): Promise<void>
  /** Removes everything of the job. */
  discardAll(): Promise<void>
}
