/**
 * Bugs on purpose, to show that the simulation finds them: each a change of source text that
 * `plantBug` makes in a worker of its own. The shipped source knows nothing of them.
 */
import type { PlantedBug } from './planted-bug.ts'
import { PLANTED_SAVEPOINT_BUGS } from './planted-savepoint-bugs.ts'
import { PLANTED_STATE_BUGS } from './planted-state-bugs.ts'

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'skip-alignment',
    breaks: 'A task snapshots at the first barrier instead of the last.',
    foundBy: 28,
    edits: [
      {
        file: 'packages/network/src/input/barrier-alignment.ts',
        text: '    if (this.#missing > 0) return false\n',
        planted: '',
      },
    ],
  },
  {
    name: 'lose-credit',
    breaks: 'Some recycled buffers give no credit back to their producer.',
    foundBy: 3,
    edits: [
      {
        file: 'packages/network/src/input/input-channel.ts',
        text: '      this.#held++\n      this.#grant(1)',
        planted: '      this.#held++\n      if (this.#expectedSequence % 4 !== 3) this.#grant(1)',
      },
    ],
  },
  {
    name: 'commit-before-complete',
    breaks: 'Sinks are told to commit before the manifest of the checkpoint is written.',
    foundBy: 145,
    edits: [
      {
        file: 'packages/jobmanager/src/checkpoint/checkpoint-completion.ts',
        text: "    checkpoint.phase = 'completing'\n",
        planted:
          "    checkpoint.phase = 'completing'\n    void host.notify(checkpoint.id, 'complete')\n",
      },
    ],
  },
  {
    name: 'commit-at-barrier',
    breaks: 'The sink commits when it should only pre-commit.',
    foundBy: 6,
    edits: [
      {
        file: 'packages/sql-operators/src/sink/table-sink.ts',
        text: '    this.#writerState = this.#writer.snapshotState(checkpointId)',
        planted:
          '    await this.#writer.commit(committables)\n    this.#writerState = this.#writer.snapshotState(checkpointId)',
      },
    ],
  },
  {
    name: 'forget-committables',
    breaks: 'What was pre-committed is not part of the snapshot.',
    foundBy: 8,
    edits: [
      {
        file: 'packages/sql-operators/src/sink/table-sink.ts',
        text: '      for (const committable of committables) tagged.push(encodeTagged(checkpointId, committable))\n',
        planted: '      void checkpointId\n      void committables\n',
      },
    ],
  },
  {
    name: 'forget-offset',
    breaks: 'The Kafka source snapshots what it has fetched instead of what it has emitted.',
    foundBy: 21,
    edits: [
      {
        file: 'packages/connector-kafka/src/source/partition-progress.ts',
        text: '      offset: this.position,',
        planted: '      offset: this.fetchOffset,',
      },
    ],
  },
  {
    name: 'reuse-transactional-id',
    breaks: 'Every transaction of a subtask has the same id.',
    foundBy: 19,
    edits: [
      {
        file: 'packages/connector-kafka/src/sink/transactional-id.ts',
        text: '  if (owner === null) return name\n',
        planted: '  if (owner !== undefined) return `$' + '{prefix}-$' + '{subtask}-0`\n',
      },
    ],
  },
  {
    name: 'forget-strays',
    breaks: 'Transactions that belong to no checkpoint are not aborted.',
    foundBy: 17,
    edits: [
      {
        file: 'packages/connector-kafka/src/sink/transaction-recovery.ts',
        text: "  const ongoing = await client.listTransactions(['Ongoing'])\n",
        planted: '  const ongoing: string[] | null = []\n',
      },
    ],
  },
  {
    name: 'end-strangers-transactions',
    breaks: "Transactions of another job whose sink has the same name are aborted as one's own.",
    families: ['kill'],
    foundBy: 268,
    edits: [
      {
        file: 'packages/connector-kafka/src/sink/transactional-id.ts',
        text: '(!lineage.has(owner.job) || owner.sink !== own.sink)',
        planted: 'lineage.size > 0 && owner.sink !== own.sink',
      },
    ],
  },
  {
    name: 'skip-fencing',
    breaks: 'Calls of a former leader are carried out.',
    foundBy: 53,
    edits: [
      {
        file: 'packages/protocol/src/fence.ts',
        text: '  if (epoch >= currentEpoch) return\n',
        planted: '  if (epoch >= currentEpoch || epoch > 0) return\n',
      },
    ],
  },
  {
    name: 'fire-again',
    breaks: 'After a restore the windows that have fired already fire again.',
    foundBy: 107,
    edits: [
      {
        file: 'packages/sql-operators/src/aggregate/window/restored-watermarks.ts',
        text: '{ watermarkMs: Number(ms), range: { start, end } }',
        planted: '{ watermarkMs: Number(ms) - 120_000, range: { start, end } }',
      },
    ],
  },
  {
    name: 'keep-fired-slices',
    breaks: 'Slices stay in the state for a minute after the last window that they are in.',
    foundBy: 13,
    edits: [
      {
        file: 'packages/sql-operators/src/aggregate/window/window-firing.ts',
        text: 'const last = this.#merging ? this.#slices.lastWindowEnd(first) : first',
        planted: 'const last = this.#merging ? this.#slices.lastWindowEnd(first) + 60_000 : first',
      },
    ],
  },
  {
    name: 'forget-lost-transactions',
    breaks: 'A transaction that can no longer be committed counts as committed.',
    foundBy: 96,
    edits: [
      {
        file: 'packages/connector-kafka/src/sink/transaction-recovery.ts',
        text: '      if (lost.ignore) {\n',
        planted: '      if (!lost.ignore) {\n',
      },
    ],
  },
  {
    name: 'skip-to-what-is-there',
    breaks: 'A source whose offset is gone goes on with the first one that is there.',
    edits: [
      {
        file: 'packages/connector-kafka/src/source/partition-progress.ts',
        text: '    this.reset = position.reset ?? null\n',
        planted: "    this.reset = 'earliest'\n",
      },
    ],
  },
  {
    name: 'know-topics-by-name',
    breaks: 'A topic that was made anew is read on from the offset of the one before it.',
    edits: [
      {
        file: 'packages/connector-kafka/src/client/network-kafka-client.ts',
        text: '      this.#connections.speaks(wire.Api.FETCH_BY_ID) &&\n',
        planted: '      request.maxBytes < 0 &&\n',
      },
      {
        file: 'packages/connector-kafka/src/source/partition-placement.ts',
        text: '    if (named === null || named === topicId) {\n',
        planted: '    if (named !== topicId || named === topicId) {\n',
      },
    ],
  },
  {
    name: 'keep-surplus-slots',
    breaks: 'Slots that a job has no use for at a lower parallelism are not given back.',
    foundBy: 33,
    edits: [
      {
        file: 'packages/jobmanager/src/scheduler/job-slots.ts',
        text: '      surplus.push(...beyond)\n',
        planted: '',
      },
    ],
  },
  {
    name: 'never-grow',
    breaks: 'A job that runs with fewer slots than it may use does not hear of those that come.',
    foundBy: 33,
    edits: [
      {
        file: 'packages/jobmanager/src/job-master/rescaler.ts',
        text: '      this.#rounds.reconsider()\n      this.#consider()\n',
        planted: '      this.#rounds.reconsider()\n',
      },
    ],
  },
  {
    name: 'restart-every-pipeline',
    breaks: 'A failure takes pipelines along that have no data from the one it is in.',
    foundBy: 7,
    edits: [
      {
        file: 'packages/jobmanager/src/job-master/decide-failover.ts',
        text: "facts.strategy === 'full' || facts.failedVertices.length === 0",
        planted: "facts.strategy === 'full' || facts.failedVertices.length >= 0",
      },
    ],
  },
  {
    name: 'restart-one-vertex',
    breaks: 'A failed task comes back without those that it sends rows to and gets rows from.',
    foundBy: 24,
    edits: [
      {
        file: 'packages/jobmanager/src/job-master/decide-failover.ts',
        text: ': facts.failedVertices.flatMap((id) => facts.regions.get(id) as readonly string[]),',
        planted: ': facts.failedVertices,',
      },
    ],
  },
  {
    name: 'forget-requirements',
    breaks: 'The next leader runs a job at what was submitted, not at what was required since.',
    families: ['jobmanager'],
    foundBy: 33,
    edits: [
      {
        file: 'packages/jobmanager/src/high-availability/stored-job-record.ts',
        text: '    return this.#content.requirements ?? null\n',
        planted: '    return null\n',
      },
    ],
  },
  {
    name: 'drop-a-needed-segment',
    breaks: 'A segment goes with the checkpoint that wrote it, though later ones build upon it.',
    foundBy: 9,
    edits: [
      {
        file: 'packages/jobmanager/src/checkpoint/shared-segments.ts',
        text: '      holders.some((files) => files.has(path)) ||',
        planted: '      (holders.length < 0 && holders.some((files) => files.has(path))) ||',
      },
    ],
  },
  {
    name: 'forget-unneeded-segments',
    breaks: 'Segments that no checkpoint refers to any more are left until the job ends.',
    foundBy: 12,
    edits: [
      {
        file: 'packages/jobmanager/src/checkpoint/shared-segments.ts',
        text: '    if (files !== undefined) await this.#removeUnneeded(files)\n    else if',
        planted: '    if (files !== undefined) return\n    if',
      },
    ],
  },
  {
    name: 'forget-unsent-rows',
    breaks: 'What a barrier overtook in the outputs is not part of the checkpoint.',
    foundBy: 114,
    edits: [
      {
        file: 'packages/taskmanager/src/task/in-flight.ts',
        text: "      parts.push({ place: { from: 'output', edge, subpartition }, bytes })\n",
        planted: '      void bytes\n      void subpartition\n',
      },
    ],
  },
  {
    name: 'forget-a-channel',
    breaks: 'Rows that had come on the first channel of a gate are not part of the checkpoint.',
    foundBy: 316,
    edits: [
      {
        file: 'packages/network/src/input/subtask-input.ts',
        text: '    for (let channel = 0; channel < length; channel++) {\n      const bytes',
        planted: '    for (let channel = 1; channel < length; channel++) {\n      const bytes',
      },
    ],
  },
  {
    name: 'record-behind-the-barrier',
    breaks: 'Rows that came behind the barrier are recorded too, and come twice after a restore.',
    foundBy: 155,
    edits: [
      {
        file: 'packages/network/src/input/input-channel.ts',
        text: '    this.#recorded = isOvertaken ? null : bytes\n',
        planted: '    this.#recorded = bytes\n',
      },
    ],
  },
  {
    name: 'replay-for-all',
    breaks: 'At another parallelism every subtask replays rows of others too.',
    foundBy: 316,
    edits: [
      {
        file: 'packages/network/src/input/replay.ts',
        text: '    const own = ownRows(this.#codec, batch, reader.stream.keyed)\n',
        planted: '    const own = ownRows(this.#codec, batch, null)\n',
      },
    ],
  },
  {
    name: 'renamed-source-anew',
    breaks: 'A renamed source table begins at the beginning of what it reads.',
    foundBy: 16,
    edits: [
      {
        file: 'packages/sql/src/physical/build-source.ts',
        text: '  if (what === undefined) return { identity: byTableName }\n',
        planted: '  if (what !== null) return { identity: byTableName }\n',
      },
    ],
  },
  ...PLANTED_STATE_BUGS,
  ...PLANTED_SAVEPOINT_BUGS,
]
