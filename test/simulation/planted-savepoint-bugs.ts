/** Bugs on purpose of savepoints, of stops by them and of jobs that start from them. */
import type { PlantedBug } from './planted-bug.ts'

export const PLANTED_SAVEPOINT_BUGS: readonly PlantedBug[] = [
  {
    name: 'forget-an-undecided-stop',
    breaks: 'The next leader leaves what a stop had written that nobody decided.',
    families: ['kill', 'jobmanager'],
    foundBy: 27,
    edits: [
      {
        file: 'packages/jobmanager/src/checkpoint/open-checkpoints.ts',
        text: '  if (stop !== null && !stop.isDecided) void',
        planted: '  if (stop !== null && !stop.isDecided && stop.path === null) void',
      },
    ],
  },
  {
    name: 'run-on-though-stopped',
    breaks: 'The next leader does not know that a stop was decided, and runs the job on.',
    families: ['kill', 'jobmanager'],
    foundBy: 127,
    edits: [
      {
        file: 'packages/jobmanager/src/checkpoint/open-checkpoints.ts',
        text: '  if (stop?.isDecided === true) {',
        planted: '  if (stop?.isDecided === true && newest === undefined) {',
      },
    ],
  },
  {
    name: 'claim-what-is-not-given',
    breaks: 'A savepoint that stays its user’s is removed like one that was claimed.',
    foundBy: 80,
    edits: [
      {
        file: 'packages/jobmanager/src/checkpoint/checkpoint-disposal.ts',
        text: "  const isClaimed = configuration.get(CheckpointingOptions.claimMode) === 'CLAIM'\n",
        planted: '  const isClaimed = true\n',
      },
    ],
  },
  {
    name: 'keep-what-was-claimed',
    breaks: 'A savepoint that a job claimed is never removed.',
    foundBy: 17,
    edits: [
      {
        file: 'packages/jobmanager/src/checkpoint/checkpoint-disposal.ts',
        text: '    await disposeCheckpoint(path, filesystem)\n',
        planted: '    void disposeCheckpoint\n',
      },
    ],
  },
  {
    name: 'drain-nothing',
    breaks: 'A savepoint that drains the job stops it with its windows open.',
    foundBy: 49,
    edits: [
      {
        file: 'packages/taskmanager/src/task/subtask-loop.ts',
        text: "if (action.barrier.order.after === 'drain' && this.#endSources()) {",
        planted: 'if (false as boolean) {',
      },
    ],
  },
]
