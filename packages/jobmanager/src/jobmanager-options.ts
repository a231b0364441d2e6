/**
 * Configuration options that the JobManager reads: its own, and those of a job (merged over
 * the cluster's).
 *
 * Keys, aliases and defaults are the reference engine's where it has them.
 */
import { option } from '@millrace/core'

export const JobManagerOptions = {
  rpcAddress: option.string({
    key: 'jobmanager.rpc.address',
    defaultValue: 'localhost',
    description: 'Address under which TaskManagers reach the JobManager.',
  }),
  rpcPort: option.int({
    key: 'jobmanager.rpc.port',
    defaultValue: 6123,
    min: 0,
    max: 65_535,
    description: 'Port of the control plane; 0 picks a free one.',
  }),
  bindHost: option.string({
    key: 'jobmanager.bind-host',
    defaultValue: undefined as string | undefined,
    description:
      'Address that the control plane binds to; `jobmanager.rpc.address` when not set (127.0.0.1 for `localhost`).',
  }),
  rpcTimeout: option.duration({
    key: 'pekko.ask.timeout',
    aliases: ['akka.ask.timeout'],
    defaultValue: 10_000,
    description: 'Deadline of a control-plane call.',
  }),
  heartbeatInterval: option.duration({
    key: 'heartbeat.interval',
    defaultValue: 10_000,
    description: 'Time between heartbeats of JobManager and TaskManagers.',
  }),
  heartbeatTimeout: option.duration({
    key: 'heartbeat.timeout',
    defaultValue: 50_000,
    description: 'Silence after which the other side counts as lost.',
  }),
  heartbeatRpcFailureThreshold: option.int({
    key: 'heartbeat.rpc-failure-threshold',
    defaultValue: 2,
    description:
      'Failed heartbeat calls in a row after which the other side counts as lost; -1: only the timeout counts.',
  }),
  slotRequestTimeout: option.duration({
    key: 'slot.request.timeout',
    defaultValue: 300_000,
    description: 'How long a job waits for the slots that it needs before it fails.',
  }),
  cancellationTimeout: option.duration({
    key: 'jobmanager.task-cancellation.timeout',
    defaultValue: 10_000,
    description:
      'How long tasks may take to confirm their cancellation before their slots are released by force.',
  }),
  failoverStrategy: option.enum({
    key: 'jobmanager.execution.failover-strategy',
    values: ['region', 'full'],
    defaultValue: 'region',
    description:
      'What is restarted after a failure: the connected part of the job, or all of it, as with the adaptive scheduler always.',
  }),
} as const

export const SchedulerOptions = {
  scheduler: option.enum({
    key: 'jobmanager.scheduler',
    values: ['default', 'adaptive'],
    defaultValue: 'default',
    description:
      'Whether a job waits for the slots that its parallelism takes (`default`), or runs with those that there are and grows and shrinks with them (`adaptive`).',
  }),
  mode: option.enum({
    key: 'scheduler-mode',
    values: ['reactive'],
    defaultValue: undefined,
    description:
      '`reactive`: one job takes every slot of the cluster, up to its max parallelism, whatever parallelism it was written with.',
  }),
  waitTimeout: option.duration({
    key: 'jobmanager.adaptive-scheduler.submission.resource-wait-timeout',
    aliases: ['jobmanager.adaptive-scheduler.resource-wait-timeout'],
    defaultValue: 300_000,
    min: -1,
    description:
      'adaptive: how long a job waits for the slots of its upper bounds before it runs with fewer, or fails when there are not even those of its lower bounds; -1, and the default in reactive mode: without end.',
  }),
  startStabilization: option.duration({
    key: 'jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout',
    aliases: ['jobmanager.adaptive-scheduler.resource-stabilization-timeout'],
    defaultValue: 10_000,
    min: 0,
    description:
      'adaptive: how long there have to be slots for the lower bounds before a job starts, or starts again, with fewer than its upper bounds take; 0 by default in reactive mode.',
  }),
  cooldown: option.duration({
    key: 'jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling',
    aliases: ['jobmanager.adaptive-scheduler.scaling-interval.min'],
    defaultValue: 30_000,
    min: 0,
    description: 'adaptive: how long a job runs before it takes slots that have come.',
  }),
  growthStabilization: option.duration({
    key: 'jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout',
    aliases: ['jobmanager.adaptive-scheduler.scaling-interval.max'],
    defaultValue: 60_000,
    min: 0,
    description:
      'adaptive: how long slots that have come have to be there before a job that runs takes them, when they are fewer than its upper bounds take.',
  }),
  triggerFailures: option.int({
    key: 'jobmanager.adaptive-scheduler.rescale-trigger.max-checkpoint-failures',
    aliases: ['jobmanager.adaptive-scheduler.scale-on-failed-checkpoints-count'],
    defaultValue: 2,
    min: 1,
    description:
      'adaptive: so many checkpoints that fail in a row let a job be rescaled that waits for one; it goes back to the latest complete one.',
  }),
  triggerDelay: option.duration({
    key: 'jobmanager.adaptive-scheduler.rescale-trigger.max-delay',
    aliases: ['jobmanager.adaptive-scheduler.max-delay-for-scale-trigger'],
    defaultValue: undefined as number | undefined,
    min: 0,
    description:
      'adaptive: how long a job that may be rescaled waits for a checkpoint to be complete before it goes back to the latest one. ' +
      'Not set: the checkpoint interval, once more often than checkpoints may fail meanwhile.',
  }),
  triggerTakesCheckpoint: option.boolean({
    key: 'jobmanager.adaptive-scheduler.rescale-trigger.active-checkpoint.enabled',
    defaultValue: true,
    description:
      'adaptive: whether a checkpoint is taken for a rescale, as soon as none is under way and the pause between two allows it, or the next periodic one waited for.',
  }),
} as const

export const RestOptions = {
  address: option.string({
    key: 'rest.address',
    defaultValue: '127.0.0.1',
    description: 'Address under which clients reach the REST server.',
  }),
  bindAddress: option.string({
    key: 'rest.bind-address',
    defaultValue: '127.0.0.1',
    description: 'Address that the REST server binds to.',
  }),
  port: option.int({
    key: 'rest.port',
    defaultValue: 8081,
    min: 0,
    max: 65_535,
    description: 'Port of the REST server.',
  }),
  bindPort: option.string({
    key: 'rest.bind-port',
    defaultValue: undefined as string | undefined,
    description:
      'Port, list or range (`50100-50200`) that the REST server binds to; 0 picks a free one. `rest.port` when not set.',
  }),
  asyncStoreDuration: option.duration({
    key: 'rest.async.store-duration',
    defaultValue: 300_000,
    description:
      'How long the rows of a SELECT stay fetchable after its job has ended, and outcomes of savepoints stay known.',
  }),
  bodySizeMax: option.memory({
    key: 'rest.server.max-content-length',
    defaultValue: 104_857_600,
    description: 'Largest body of a REST request.',
  }),
  flameGraphEnabled: option.boolean({
    key: 'rest.flamegraph.enabled',
    defaultValue: true,
    description:
      'Whether REST takes flame graphs of running tasks. Nothing is sampled while nobody looks.',
  }),
  flameGraphRefresh: option.duration({
    key: 'rest.flamegraph.refresh-interval',
    defaultValue: 60_000,
    description: 'A flame graph older than this is taken anew when somebody looks.',
  }),
  flameGraphCleanUp: option.duration({
    key: 'rest.flamegraph.cleanup-interval',
    defaultValue: 600_000,
    description: 'How long a flame graph is kept that nobody looks at.',
  }),
  flameGraphSamples: option.int({
    key: 'rest.flamegraph.num-samples',
    defaultValue: 100,
    min: 1,
    max: 10_000,
    description: 'Samples of a flame graph.',
  }),
  flameGraphDelay: option.duration({
    key: 'rest.flamegraph.delay-between-samples',
    defaultValue: 50,
    description: 'Time between two samples of a flame graph.',
  }),
  logPath: option.string<string | undefined>({
    key: 'web.log.path',
    defaultValue: undefined,
    description:
      'File that the JobManager’s output goes to: REST shows it and the other logs in its directory.',
  }),
  accessControlAllowOrigin: option.string({
    key: 'web.access-control-allow-origin',
    defaultValue: '*',
    description: 'Value of the Access-Control-Allow-Origin header.',
  }),
  refreshInterval: option.long({
    key: 'web.refresh-interval',
    defaultValue: 3000,
    description: 'How often the web UI asks for news, in ms.',
  }),
  submitEnabled: option.boolean({
    key: 'web.submit.enable',
    defaultValue: true,
    description: 'Whether the web UI offers to submit jobs.',
  }),
  cancelEnabled: option.boolean({
    key: 'web.cancel.enable',
    defaultValue: true,
    description: 'Whether the web UI offers to cancel jobs.',
  }),
  checkpointHistory: option.int({
    key: 'web.checkpoints.history',
    defaultValue: 10,
    description: 'How many recent checkpoints are kept for display.',
  }),
  rescaleHistory: option.int({
    key: 'web.adaptive-scheduler.rescale-history.size',
    defaultValue: 0,
    min: 0,
    description:
      'How many recent rescales of a job are kept for display, whichever scheduler it has; 0: none.',
  }),
  exceptionHistorySize: option.int({
    key: 'web.exception-history-size',
    defaultValue: 16,
    description: 'How many failures of a job are kept.',
  }),
  attemptHistory: option.int({
    key: 'jobmanager.execution.attempts-history-size',
    defaultValue: 16,
    description: 'How many earlier attempts of a subtask are kept for display.',
  }),
  jobStoreMaxCapacity: option.int({
    key: 'jobstore.max-capacity',
    defaultValue: 100,
    description: 'How many ended jobs are kept for display.',
  }),
} as const

export const RestartStrategyOptions = {
  type: option.enum({
    key: 'restart-strategy.type',
    aliases: ['restart-strategy'],
    values: [
      'none',
      'off',
      'disable',
      'fixed-delay',
      'fixeddelay',
      'failure-rate',
      'failurerate',
      'exponential-delay',
      'exponentialdelay',
    ],
    defaultValue: undefined,
    description:
      'How often and when a failed job is restarted. Default: exponential-delay with checkpoints, none without.',
  }),
  fixedDelayAttempts: option.int({
    key: 'restart-strategy.fixed-delay.attempts',
    defaultValue: 1,
    description: 'fixed-delay: restarts before the job fails.',
  }),
  fixedDelayDelay: option.duration({
    key: 'restart-strategy.fixed-delay.delay',
    defaultValue: 1000,
    description: 'fixed-delay: time before each restart.',
  }),
  failureRateMax: option.int({
    key: 'restart-strategy.failure-rate.max-failures-per-interval',
    defaultValue: 1,
    description: 'failure-rate: failures within the interval that are still restarted.',
  }),
  failureRateInterval: option.duration({
    key: 'restart-strategy.failure-rate.failure-rate-interval',
    defaultValue: 60_000,
    description: 'failure-rate: the interval.',
  }),
  failureRateDelay: option.duration({
    key: 'restart-strategy.failure-rate.delay',
    defaultValue: 1000,
    description: 'failure-rate: time before each restart.',
  }),
  exponentialInitialBackoff: option.duration({
    key: 'restart-strategy.exponential-delay.initial-backoff',
    defaultValue: 1000,
    description: 'exponential-delay: time before the first restart.',
  }),
  exponentialMaxBackoff: option.duration({
    key: 'restart-strategy.exponential-delay.max-backoff',
    defaultValue: 60_000,
    description: 'exponential-delay: longest time before a restart.',
  }),
  exponentialMultiplier: option.double({
    key: 'restart-strategy.exponential-delay.backoff-multiplier',
    defaultValue: 1.5,
    description: 'exponential-delay: factor by which the time grows with each failure.',
  }),
  exponentialResetThreshold: option.duration({
    key: 'restart-strategy.exponential-delay.reset-backoff-threshold',
    defaultValue: 3_600_000,
    description: 'exponential-delay: time without failure after which the backoff starts anew.',
  }),
  exponentialJitter: option.double({
    key: 'restart-strategy.exponential-delay.jitter-factor',
    defaultValue: 0.1,
    description: 'exponential-delay: random part of the backoff, up or down, as a fraction of it.',
  }),
  exponentialAttemptsMax: option.int({
    key: 'restart-strategy.exponential-delay.attempts-before-reset-backoff',
    defaultValue: undefined as number | undefined,
    description: 'exponential-delay: restarts before the job fails; not set: no limit.',
  }),
} as const

export const CheckpointingOptions = {
  interval: option.duration({
    key: 'execution.checkpointing.interval',
    defaultValue: undefined as number | undefined,
    min: 0,
    description: 'Time between checkpoints; not set, or 0: none are taken but savepoints.',
  }),
  mode: option.enum({
    key: 'execution.checkpointing.mode',
    values: ['EXACTLY_ONCE', 'AT_LEAST_ONCE'],
    defaultValue: 'EXACTLY_ONCE',
    description: 'Whether inputs are aligned on barriers.',
  }),
  timeout: option.duration({
    key: 'execution.checkpointing.timeout',
    defaultValue: 600_000,
    description: 'Time after which an unfinished checkpoint is given up.',
  }),
  minPause: option.duration({
    key: 'execution.checkpointing.min-pause',
    defaultValue: 0,
    description: 'Least time between the end of a checkpoint and the start of the next.',
  }),
  maxConcurrent: option.int({
    key: 'execution.checkpointing.max-concurrent-checkpoints',
    defaultValue: 1,
    description: 'How many checkpoints may be under way at once.',
  }),
  tolerableFailed: option.int({
    key: 'execution.checkpointing.tolerable-failed-checkpoints',
    defaultValue: 0,
    description: 'Checkpoints that may fail in a row before the job does.',
  }),
  afterTasksFinish: option.boolean({
    key: 'execution.checkpointing.checkpoints-after-tasks-finish',
    aliases: ['execution.checkpointing.checkpoints-after-tasks-finish.enabled'],
    defaultValue: true,
    description:
      'Whether checkpoints are taken once tasks have come to the end of their input, and a last one before a bounded job ends. ' +
      'Without, an exactly-once sink does not commit what came behind the last checkpoint before.',
  }),
  recoveryPath: option.string({
    key: 'execution.state-recovery.path',
    aliases: ['execution.savepoint.path'],
    defaultValue: undefined as string | undefined,
    description: 'A savepoint or retained checkpoint that the job starts from: its directory.',
  }),
  claimMode: option.enum({
    key: 'execution.state-recovery.claim-mode',
    aliases: ['execution.savepoint-restore-mode'],
    values: ['NO_CLAIM', 'CLAIM'],
    defaultValue: 'NO_CLAIM',
    description:
      'Whose the savepoint or checkpoint is that the job starts from: the user’s, and it stays (`NO_CLAIM`), or from then on the job’s, ' +
      'which removes it as one of its own checkpoints (`CLAIM`).',
  }),
  alignedTimeout: option.duration({
    key: 'execution.checkpointing.aligned-checkpoint-timeout',
    aliases: ['execution.checkpointing.alignment-timeout'],
    defaultValue: 0,
    description:
      'With unaligned checkpoints: how long after its trigger barriers still wait behind rows before they overtake those that are left; 0: not at all.',
  }),
  unalignedEnabled: option.boolean({
    key: 'execution.checkpointing.unaligned.enabled',
    aliases: ['execution.checkpointing.unaligned'],
    defaultValue: false,
    description:
      'Whether barriers overtake rows that wait in buffers, so that checkpoints complete under backpressure; the rows go into the checkpoint. ' +
      'Savepoints and at-least-once checkpoints are aligned all the same, and so are vertices that read a forward or broadcast edge.',
  }),
  unalignedForced: option.boolean({
    key: 'execution.checkpointing.unaligned.forced',
    defaultValue: false,
    description:
      'Unaligned checkpoints also for jobs that would be kept from them by iterations or by partitioners of their own. There are neither, so no job is kept from them and ' +
      'nothing is forced: vertices that read a forward or broadcast edge stay aligned, with it as without. A job that sets it logs which of its vertices these are.',
  }),
} as const
