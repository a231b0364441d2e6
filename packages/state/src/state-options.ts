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

export const SAVEPOINT_DIRECTORY = option.string<string | undefined>({
  key: 'execution.checkpointing.savepoint-dir',
  aliases: ['state.savepoints.dir'],
  defaultValue: undefined,
  description:
    'Directory below which savepoints are written when none is named with them: a `file://` URI, an absolute path, or a bucket (`s3://bucket/…`) that all processes share.',
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

export const INCREMENTAL_CHECKPOINTS = option.boolean({
  key: 'execution.checkpointing.incremental',
  aliases: ['state.backend.incremental'],
  defaultValue: false,
  description:
    'Whether a checkpoint writes only what of the state by key has changed since the one before, ' +
    'and shares the rest with it, whichever `state.backend.type` holds it. Takes ' +
    '`execution.checkpointing.dir`.',
})

export const CHECKPOINTS_RETAINED = option.int({
  key: 'execution.checkpointing.num-retained',
  aliases: ['state.checkpoints.num-retained'],
  defaultValue: 1,
  min: 1,
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

export const STATE_BACKEND = option.enum({
  key: 'state.backend.type',
  aliases: ['state.backend'],
  values: ['hashmap', 'rocksdb', 'disk'],
  defaultValue: 'hashmap',
  description:
    'Where keyed state lives: `hashmap` in memory; `rocksdb` (or `disk`) on the local disk under a cache, so that it may be many times larger than memory.',
})

export const ROCKSDB_MANAGED = option.boolean({
  key: 'state.backend.rocksdb.memory.managed',
  defaultValue: true,
  description:
    'The tables of a slot share its managed memory; else each has `block.cache-size` and `writebuffer.count` times `writebuffer.size` of its own.',
})

export const ROCKSDB_FIXED_PER_SLOT = option.memory<number | undefined>({
  key: 'state.backend.rocksdb.memory.fixed-per-slot',
  defaultValue: undefined,
  description: 'Memory that the tables of a slot share, instead of its managed memory.',
})

export const ROCKSDB_BLOCK_CACHE = option.memory({
  key: 'state.backend.rocksdb.block.cache-size',
  defaultValue: 8 * 1024 * 1024,
  description: 'Of each table, when `state.backend.rocksdb.memory.managed` is false.',
})

export const ROCKSDB_WRITE_BUFFER = option.memory({
  key: 'state.backend.rocksdb.writebuffer.size',
  defaultValue: 64 * 1024 * 1024,
  description: 'Of each table, when `state.backend.rocksdb.memory.managed` is false.',
})

export const ROCKSDB_WRITE_BUFFERS = option.int({
  key: 'state.backend.rocksdb.writebuffer.count',
  defaultValue: 2,
  min: 1,
  description: 'Of each table, when `state.backend.rocksdb.memory.managed` is false.',
})

export const ROCKSDB_LOCAL_DIRECTORY = option.string<string | undefined>({
  key: 'state.backend.rocksdb.localdir',
  defaultValue: undefined,
  description:
    'Directory on a local disk for state beyond memory. Its files have no name and are gone with their process. Default: the first of `io.tmp.dirs`.',
})

export const LOCAL_BACKUP = option.boolean({
  key: 'execution.checkpointing.local-backup.enabled',
  aliases: ['state.backend.local-recovery'],
  defaultValue: false,
  description:
    'Whether slots copy the state files that they write to the local disk too, and restart from these copies where they can. Copies have no name and end with their slot.',
})

export const LOCAL_BACKUP_DIRECTORIES = option.string<string | undefined>({
  key: 'execution.checkpointing.local-backup.dirs',
  aliases: ['taskmanager.state.local.root-dirs'],
  defaultValue: undefined,
  description:
    'Directories for these copies, separated by `,`; the first is used. Default: the first of `io.tmp.dirs`.',
})

export const TEMPORARY_DIRECTORIES = option.string<string | undefined>({
  key: 'io.tmp.dirs',
  defaultValue: undefined,
  description:
    'Directories for temporary files, separated by `,` or `:`; the first is used. Default: that of the system.',
})
