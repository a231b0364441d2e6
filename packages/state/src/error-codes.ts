/**
 * What can go wrong with state: writing it, reading it back, and giving it to a job that has
 * changed.
 */
import { defineErrors } from '@millrace/core'

export const { error: stateError, declarations: STATE_ERRORS } = defineErrors({
  STATE_WRITE_FAILED: {
    domain: 'external',
    retry: 'backoff',
    description: 'A subtask could not write its part of a checkpoint.',
  },
  STATE_SNAPSHOT_INVALID: {
    domain: 'internal',
    retry: 'never',
    description:
      'An operator gave a snapshot with a row outside its key groups or of uneven length.',
  },
  STATE_CORRUPTED: {
    domain: 'data',
    retry: 'never',
    description: 'A state file of a checkpoint is missing, truncated or damaged.',
  },
  STATE_VERSION_UNSUPPORTED: {
    domain: 'user',
    retry: 'never',
    description: 'A state file was written by a version of Millrace that uses a newer format.',
  },
  STATE_UNREADABLE: {
    domain: 'external',
    retry: 'backoff',
    description: 'The disk does not give a state file of a checkpoint; it may later.',
  },
  STATE_SCHEMA_MISMATCH: {
    domain: 'user',
    retry: 'never',
    description: 'A state in the checkpoint has other columns than the job’s operator now has.',
  },
  STATE_MAX_PARALLELISM_MISMATCH: {
    domain: 'user',
    retry: 'never',
    description:
      'Keyed state cannot be restored with another max parallelism than it was written with.',
  },
  STATE_UNCLAIMED: {
    domain: 'user',
    retry: 'never',
    description: 'The checkpoint has state of an operator that the job does not have.',
  },
  CHANNEL_STATE_UNCLAIMED: {
    domain: 'user',
    retry: 'never',
    description:
      'The checkpoint, an unaligned one, has rows on their way along an edge that the job does not have.',
  },
  STATE_LOCAL_WRITE_FAILED: {
    domain: 'external',
    retry: 'backoff',
    description: 'A slot could not write state that outgrew its memory to the local disk.',
  },
  STATE_LOCAL_UNREADABLE: {
    domain: 'external',
    retry: 'backoff',
    description: 'The local disk does not give back state as it was written.',
  },
  CHECKPOINT_DIRECTORY_UNUSABLE: {
    domain: 'user',
    retry: 'never',
    description: 'The checkpoint directory cannot be created or written.',
  },
  CHECKPOINT_DIRECTORY_UNSUPPORTED: {
    domain: 'user',
    retry: 'never',
    description:
      'The checkpoint directory’s URI scheme is not supported, or its path is not absolute.',
  },
  SAVEPOINT_DIRECTORY_UNUSABLE: {
    domain: 'user',
    retry: 'never',
    description: 'The directory that was named for a savepoint cannot be created or written.',
  },
  SAVEPOINT_NOT_SELF_CONTAINED: {
    domain: 'internal',
    retry: 'never',
    description: 'A task wrote state of a savepoint beside the savepoint’s own directory.',
  },
  CHECKPOINT_WRITE_FAILED: {
    domain: 'external',
    retry: 'backoff',
    description: 'The metadata of a checkpoint could not be written.',
  },
  CHECKPOINT_ALREADY_COMPLETE: {
    domain: 'internal',
    retry: 'never',
    description: 'Metadata was to be written for a checkpoint that already has it.',
  },
  CHECKPOINT_NOT_FOUND: {
    domain: 'user',
    retry: 'never',
    description: 'There is no complete checkpoint at the given place.',
  },
  CHECKPOINT_METADATA_CORRUPTED: {
    domain: 'data',
    retry: 'never',
    description: 'The metadata file of a checkpoint is truncated or damaged.',
  },
  CHECKPOINT_VERSION_UNSUPPORTED: {
    domain: 'user',
    retry: 'never',
    description:
      'The checkpoint or savepoint was written by a version of Millrace that uses another format.',
  },
  CHECKPOINT_TOO_LARGE_FOR_MEMORY: {
    domain: 'user',
    retry: 'never',
    description: 'The state is too large to be kept in the JobManager’s memory.',
  },
})
