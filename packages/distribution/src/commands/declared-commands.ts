/**
 * The commands of `millrace` with their options: what help shows and what the parser
 * of each accepts.
 *
 * Data alone, so that help costs no loading. Development commands (bench, simulate, chaos, kafka,
 * s3, test) declare theirs beside the tests, where they live.
 */
import type { CommandDeclaration } from '@millrace/cli'

const SCRIPT_OPTIONS = [
  {
    name: 'file',
    short: 'f',
    takesValue: true,
    value: 'FILE',
    description: 'run the statements of a file and end',
  },
  {
    name: 'init',
    short: 'i',
    takesValue: true,
    value: 'FILE',
    description: 'run the statements of a file first',
  },
  {
    name: 'from-savepoint',
    short: 's',
    takesValue: true,
    value: 'PATH',
    description:
      'jobs start from this savepoint or retained checkpoint (execution.state-recovery.path)',
  },
  {
    name: 'history',
    takesValue: true,
    value: 'FILE',
    description: 'where the prompt keeps what was typed; ~/.millrace-history by default',
  },
] as const

export const JOBMANAGER: CommandDeclaration = {
  name: 'millrace jobmanager',
  summary: 'Runs a JobManager in the foreground: REST and SQL gateway on rest.port (8081).',
  options: [],
  examples: ['millrace jobmanager -D rest.port=8082'],
}

export const TASKMANAGER: CommandDeclaration = {
  name: 'millrace taskmanager',
  summary: 'Runs a TaskManager in the foreground; it registers with the JobManager.',
  options: [],
  examples: ['millrace taskmanager -D taskmanager.numberOfTaskSlots=2'],
}

export const CLUSTER: CommandDeclaration = {
  name: 'millrace cluster',
  operands: 'start | stop',
  summary:
    'Starts a JobManager and TaskManagers in the background, or stops those that were started from this directory. ' +
    'They are remembered in .millrace/cluster.json; logs and checkpoints are below .millrace too.',
  options: [
    {
      name: 'taskmanagers',
      short: 'n',
      takesValue: true,
      value: 'COUNT',
      description: 'how many TaskManagers; 1 by default, of 4 slots',
    },
  ],
  examples: ['millrace cluster start -n 2 -D taskmanager.numberOfTaskSlots=2'],
}

export const SQL_CLIENT: CommandDeclaration = {
  name: 'millrace sql-client',
  operands: '[embedded]',
  summary:
    'SQL prompt for the cluster at rest.address and rest.port. With -e, -f or statements on standard input it runs ' +
    'them and ends, with exit code 1 at the first that fails. `millrace sql-client gateway --help`: through a remote gateway.',
  options: [
    {
      name: 'execute',
      short: 'e',
      takesValue: true,
      value: '"STATEMENTS"',
      description: 'run these statements and end',
    },
    ...SCRIPT_OPTIONS,
  ],
  examples: ['millrace sql-client -e "SHOW JOBS;"'],
}

export const SQL_CLIENT_GATEWAY: CommandDeclaration = {
  name: 'millrace sql-client gateway',
  summary: 'SQL prompt, or scripts, through the SQL gateway of a JobManager elsewhere.',
  options: [
    {
      name: 'endpoint',
      short: 'e',
      takesValue: true,
      value: 'HOST:PORT',
      description: 'of the gateway; 127.0.0.1:8081 by default',
    },
    ...SCRIPT_OPTIONS,
  ],
  examples: ['millrace sql-client gateway -e 127.0.0.1:8081 -f job.sql'],
}

export const LIST: CommandDeclaration = {
  name: 'millrace list',
  operands: '[JOB_ID]',
  summary:
    'Jobs of the cluster, a line each: those that run, restart or wait for slots. With an id: that job alone, and why it ' +
    'failed in full.',
  options: [
    { name: 'all', short: 'a', takesValue: false, description: 'those that have ended too' },
    {
      name: 'running',
      short: 'r',
      takesValue: false,
      description: 'only those that run or restart',
    },
    {
      name: 'scheduled',
      short: 's',
      takesValue: false,
      description: 'only those that wait for slots',
    },
  ],
}

export const CANCEL: CommandDeclaration = {
  name: 'millrace cancel',
  operands: 'JOB_ID',
  summary: 'Cancels a job and waits until it has ended.',
  options: [],
}

export const SAVEPOINT: CommandDeclaration = {
  name: 'millrace savepoint',
  operands: 'JOB_ID [DIR]',
  summary:
    'Takes a savepoint of a job that runs, and waits until it is complete; the job goes on. It is written to a directory of its ' +
    'own below DIR (a path, a file:// or s3:// URI that every process can write to), or below execution.checkpointing.savepoint-dir, ' +
    'belongs to you, and may be moved.',
  options: [
    {
      name: 'dispose',
      short: 'd',
      takesValue: true,
      value: 'PATH',
      description: 'removes the savepoint or retained checkpoint there instead; takes no job',
    },
  ],
  examples: [
    'millrace savepoint JOB_ID file:///var/millrace/savepoints',
    'millrace savepoint --dispose /var/millrace/savepoints/savepoint-0b1c2d-0123456789ab',
  ],
}

export const STATE: CommandDeclaration = {
  name: 'millrace state',
  operands: 'inspect PATH',
  summary:
    'Shows what a savepoint or retained checkpoint holds: operators, their states with columns, rows, bytes and key groups. PATH is ' +
    'its directory, of this machine or a file:// or s3:// URI; no cluster is asked, and no row is read unless --verify says so.',
  options: [
    {
      name: 'diff',
      takesValue: true,
      value: 'OTHER',
      description: 'what became of each state from PATH to this one',
    },
    {
      name: 'verify',
      takesValue: false,
      description: 'all of its files are read and their checksums checked; damaged ones are named',
    },
    { name: 'json', takesValue: false, description: 'the same as JSON' },
  ],
  examples: [
    'millrace state inspect /var/millrace/savepoints/savepoint-0b1c2d-0123456789ab --verify',
    'millrace state inspect .millrace/checkpoints/JOB_ID/chk-7 --diff .millrace/checkpoints/JOB_ID/chk-9',
  ],
}

export const CHECKPOINT: CommandDeclaration = {
  name: 'millrace checkpoint',
  operands: 'JOB_ID',
  summary:
    'Takes a checkpoint of a job that runs now, without waiting for execution.checkpointing.interval, and waits until it is ' +
    'complete. It is one of the job’s own: newer ones take its place.',
  options: [
    {
      name: 'full',
      takesValue: false,
      description: 'all state written anew, though the job has incremental checkpoints',
    },
  ],
  examples: ['millrace checkpoint JOB_ID'],
}

export const RESCALE: CommandDeclaration = {
  name: 'millrace rescale',
  operands: 'JOB_ID [VERTEX=]N …',
  summary:
    'Brings a job that runs to another parallelism and waits until it runs at it: all vertices, or those that are named by id (or ' +
    'its beginning) or by name. It takes a checkpoint and goes on from it; what it writes stays exactly once.',
  options: [],
  examples: ['millrace rescale JOB_ID 4', 'millrace rescale JOB_ID cbc357cc=2'],
}

export const STOP: CommandDeclaration = {
  name: 'millrace stop',
  operands: 'JOB_ID',
  summary:
    'Stops a job by a savepoint, and waits until it is FINISHED: its sinks have committed all that the savepoint holds, and what starts ' +
    'from it goes on where this job ended. If there is no savepoint in the end, the job goes on.',
  options: [
    {
      name: 'savepoint-path',
      short: 'p',
      takesValue: true,
      value: 'DIR',
      description:
        'below which the savepoint goes; execution.checkpointing.savepoint-dir by default',
    },
    {
      name: 'drain',
      short: 'd',
      takesValue: false,
      description: 'end event time first, so that all windows fire: for jobs that will not go on',
    },
  ],
  examples: ['millrace stop --savepoint-path file:///var/millrace/savepoints JOB_ID'],
}

export const START: CommandDeclaration = {
  name: 'npm start --',
  summary:
    'A JobManager and two TaskManagers on this machine, running the main job (averages per sensor and minute) on ' +
    'generated readings, until Ctrl-C.',
  options: [
    { name: 'once', takesValue: false, description: 'aggregate 200 readings and end' },
    {
      name: 'kafka',
      takesValue: true,
      value: 'HOST:PORT',
      description:
        'through a broker (npm run kafka starts one to play with); topics are made when missing',
    },
    {
      name: 'readings',
      takesValue: true,
      value: 'TOPIC',
      description: 'with --kafka: where readings are written; millrace-demo-readings by default',
    },
    {
      name: 'aggregates',
      takesValue: true,
      value: 'TOPIC',
      description: 'with --kafka: where results are written; millrace-demo-aggregates by default',
    },
    {
      name: 'port',
      takesValue: true,
      value: 'PORT',
      description: 'of the REST interface; a free one by default',
    },
  ],
}
