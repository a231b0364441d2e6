/** Where checkpoints are kept, and for how long. */
import { option } from '@millrace/core'

export const CHECKPOINT_DIRECTORY = option.string<string | undefined>({
  key: 'execution.checkpointing.dir',
  aliases: ['state.checkpoints.dir'],
  defaultValue: undefined,
  description:
    'Directory for checkpoints that all processes share: a `file://` URI, an absolute path, or a bucket (`s3://bucket/…`). ' +
    'Unset: checkpoints live in the JobManager’s memory and end with it.',
})

export const CHECKPOINT_STORAGE = option.enum({
  key: 'execution.checkpointing.storage',
  aliases: ['state.checkpoint-storage'],
  values: ['filesystem', 'jobmanager'],
  defaultValue: undefined,
  description:
    'Where checkpoints are kept: `filesystem` (in `execution.checkpointing.dir`) or `jobmanager` ' +
    '(in its memory, at most 5 MB). Default: `filesystem` when a directory is set.',
})

export const STATE_MEMORY_THRESHOLD = option.memory({
  key: 'state.storage.fs.memory-threshold',
  aliases: ['state.backend.fs.memory-threshold'],
  defaultValue: 20 * 1024,
  description:
    'State of a subtask’s operator up to this size is kept inside the checkpoint’s metadata.',
})

export const CHECKPOINTS_RETAINED = option.int({
  key: 'execution.checkpointing.num-retained',
  aliases: ['state.checkpoints.num-retained'],
  defaultValue: 1,
  description: 'How many complete checkpoints are kept; older ones are removed.',
})

export const EXTERNALIZED_RETENTION = option.enum({
  key: 'execution.checkpointing.externalized-checkpoint-retention',
  values: ['NO_EXTERNALIZED_CHECKPOINTS', 'DELETE_ON_CANCELLATION', 'RETAIN_ON_CANCELLATION'],
  defaultValue: 'NO_EXTERNALIZED_CHECKPOINTS',
  description:
    'Whether checkpoints outlive the job: never, when it failed (`DELETE_ON_CANCELLATION`), ' +
    'or when it failed or was cancelled (`RETAIN_ON_CANCELLATION`).',
})

export const IGNORE_UNCLAIMED_STATE = option.boolean({
  key: 'execution.state-recovery.ignore-unclaimed-state',
  aliases: ['execution.savepoint.ignore-unclaimed-state'],
  defaultValue: false,
  description:
    'Start although the checkpoint has state of operators that the job does not have; that state is dropped.',
})
