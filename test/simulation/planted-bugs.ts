/**
 * Bugs on purpose, to show that the simulation finds them: each a change of source text that
 * `plantBug` makes in a worker of its own. The shipped source knows nothing of them.
 */
import type { PlantedBug } from './planted-bug.ts'
import { PLANTED_SAVEPOINT_BUGS } from './planted-savepoint-bugs.ts'

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
    name: 'skip-sync',
    breaks: 'State is acknowledged before it is durable.',
    foundBy: 71,
    edits: [
      {
        file: 'packages/state/src/segment/segment-sink.ts',
        text: '    await file?.sync()\n',
        planted: '',
      },
    ],
  },
  {
    name: 'drop-one-too-many',
    breaks: 'The oldest checkpoint that should be retained is dropped.',
    foundBy: 1,
    edits: [
      {
        file: 'packages/state/src/checkpoint/decide-retention.ts',
        text: '    .slice(Math.max(1, retained))\n',
        planted: '    .slice(Math.max(1, retained) - 1)\n',
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
    name: 'lose-restored-groups',
    breaks: 'Keyed state forgets some of the rows that it restores.',
    foundBy: 1,
    edits: [
      {
        file: 'packages/state/src/table/resident-keyed-state.ts',
        text: 'restored.readKeyed(name, fit.schema, fit)) table.put(rows)\n',
        planted:
          'restored.readKeyed(name, fit.schema, fit)) if (rows.rowCount % 4 !== 3) table.put(rows)\n',
      },
    ],
  },
  {
    name: 'lose-a-key-group',
    breaks: 'A restore at another parallelism leaves out a key group of each part.',
    foundBy: 9,
    edits: [
      {
        file: 'packages/state/src/restore/reassign-state.ts',
        text: '  const end = Math.min(written.end, wanted.end)\n',
        planted:
          '  const same = written.start === wanted.start && written.end === wanted.end\n' +
          '  const end = Math.min(written.end, wanted.end) - (same ? 0 : 1)\n',
      },
    ],
  },
  {
    name: 'restore-neighbours',
    breaks: 'A restored subtask takes key groups of its neighbours, too.',
    foundBy: 6,
    edits: [
      {
        file: 'packages/state/src/restore/reassign-state.ts',
        text: '  return start <= end ? { start, end } : null\n',
        planted: '  return start <= end ? written : null\n',
      },
      {
        file: 'packages/state/src/restore/open-restored-state.ts',
        text: 'isRekeyed ? part.keyGroups : intersect(part.keyGroups, own)\n',
        planted: 'part.keyGroups\n',
      },
    ],
  },
  {
    name: 'claim-key-groups',
    breaks: 'A handle names key groups that its subtask does not have.',
    edits: [
      {
        file: 'packages/state/src/segment/write-operator-snapshot.ts',
        text: '    const keyGroups = tables.length > 0 ? index.keyGroups : null\n',
        planted:
          '    const keyGroups = tables.length > 0 ? { start: 0, end: index.keyGroups.end } : null\n',
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
    name: 'older-run-counts',
    breaks: 'Of two runs with a key the older one is believed.',
    families: ['kill'],
    foundBy: 117,
    edits: [
      {
        file: 'packages/state/src/disk/partition.ts',
        text: 'this.runs.unshift(run)',
        planted: 'this.runs.push(run)',
      },
    ],
  },
  {
    name: 'clean-though-written',
    breaks: 'What was read from disk and then changed leaves the cache without being written.',
    families: ['kill'],
    foundBy: 117,
    edits: [
      {
        file: 'packages/state/src/disk/disk-table.ts',
        text: 'bytes[slot] = (bytes[slot] as number) | DIRTY',
        planted: 'bytes[slot] = bytes[slot] as number',
      },
    ],
  },
  {
    name: 'fired-twice',
    breaks: 'An entry of a window that is in the cache and on disk leaves the window twice.',
    foundBy: 61,
    edits: [
      {
        file: 'packages/state/src/disk/due-entries.ts',
        text: '    if (this.#isCached(block, at)) return\n',
        planted: '',
      },
    ],
  },
  {
    name: 'fired-window-stays',
    breaks: 'What a window had on disk stays there when it has fired.',
    foundBy: 61,
    edits: [
      {
        file: 'packages/state/src/disk/timed-runs.ts',
        text: '      partition.clear()\n    }\n    this.#times.delete(timeMs)\n',
        planted: '    }\n',
      },
    ],
  },
  {
    name: 'last-is-first-of-runs',
    breaks: 'Read from the end, what is cached of a key comes before what is on disk, too early.',
    families: ['kill'],
    foundBy: 166,
    edits: [
      {
        file: 'packages/state/src/disk/disk-scan.ts',
        text: 'cursor.block, cursor.at)\n    return this.#descending ? -order : order\n',
        planted: 'cursor.block, cursor.at)\n    return order\n',
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
    name: 'forget-deletes',
    breaks: 'An incremental checkpoint does not say which entries went.',
    foundBy: 13,
    edits: [
      {
        file: 'packages/state/src/table/frozen-changes.ts',
        text: '  return [...removals, new FrozenChanges(records, since, changed)]',
        planted:
          '  return [...removals.slice(removals.length), new FrozenChanges(records, since, changed)]',
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
    name: 'forget-left-entries',
    breaks: 'An incremental checkpoint lacks entries that were written and have left the cache.',
    foundBy: 538,
    edits: [
      {
        file: 'packages/state/src/disk/disk-changes.ts',
        text: '    if (count === 0) return\n',
        planted: '    if (count >= 0) return\n',
      },
    ],
  },
  {
    name: 'columns-by-place',
    breaks: 'Columns of stored state are taken by their place, not by their names.',
    foundBy: 184,
    edits: [
      {
        file: 'packages/state/src/restore/match-tables.ts',
        text: '    const at = c < keyedCount ? c : columnNamed(stored, field.name, now)\n',
        planted: '    const at = c\n',
      },
    ],
  },
  {
    name: 'keys-where-they-lay',
    breaks: 'Keys that became wider stay in the key groups of what they were.',
    foundBy: 62,
    edits: [
      {
        file: 'packages/state/src/restore/match-tables.ts',
        text: 'isRekeyed = true\n',
        planted: 'isRekeyed = false\n',
      },
    ],
  },
  {
    name: 'wider-without-sign',
    breaks: 'Numbers below zero lose their sign when their column becomes wider.',
    foundBy: 62,
    edits: [
      {
        file: 'packages/state/src/restore/convert-column.ts',
        text: 'BigInt(Math.trunc(value))',
        planted: 'BigInt(Math.abs(Math.trunc(value)))',
      },
    ],
  },
  {
    name: 'rekeyed-by-all',
    breaks: 'Of keys that became wider every subtask keeps all rows.',
    foundBy: 62,
    edits: [
      {
        file: 'packages/state/src/restore/fit-rows.ts',
        text: '    if (keyGroup < range.start || keyGroup > range.end) continue\n',
        planted: '',
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
  {
    name: 'rows-under-renamed',
    breaks: 'Rows that were on their way from a table that was renamed are left out.',
    foundBy: 154,
    edits: [
      {
        file: 'packages/state/src/restore/reassign-channels.ts',
        text: 'operators.get(end.operatorId) ?? end.operatorId',
        planted: 'end.operatorId',
      },
    ],
  },
  {
    name: 'life-anew',
    breaks: 'A restore begins the time to live of all entries anew: what was over comes back.',
    foundBy: 255,
    edits: [
      {
        file: 'packages/state/src/table/expiry.ts',
        text: 'Math.min(ms, openedMs)',
        planted: 'Math.max(ms, openedMs)',
      },
    ],
  },
  {
    name: 'life-by-wall-clock',
    breaks: 'How old state is goes by a wall clock that jumps.',
    foundBy: 62,
    edits: [
      {
        file: 'packages/state/src/table/expiry.ts',
        text: '  return () => aheadMs + monotonicMs()\n',
        planted: '  return aheadMs === 0 ? monotonicMs : nowMs\n',
      },
    ],
  },
  ...PLANTED_SAVEPOINT_BUGS,
]
