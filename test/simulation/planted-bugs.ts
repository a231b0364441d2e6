/**
 * Bugs on purpose, to show that the simulation finds them: each a change of source text that `plantBug` makes in
 * a worker of its own. The shipped source knows nothing of them.
 */
export interface PlantedBug {
  readonly name: string
  /** What is broken, in a sentence. */
  readonly breaks: string
  readonly edits: readonly {
    readonly file: string
    /** Occurs once in the file. */
    readonly text: string
    readonly planted: string
  }[]
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'skip-alignment',
    breaks: 'A task snapshots at the first barrier instead of the last.',
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
    edits: [
      {
        file: 'packages/jobmanager/src/checkpoint/checkpoint-coordinator.ts',
        text: "    checkpoint.phase = 'completing'\n",
        planted:
          "    checkpoint.phase = 'completing'\n    void this.#host.notify(checkpoint.id, 'complete')\n",
      },
    ],
  },
  {
    name: 'commit-at-barrier',
    breaks: 'The sink commits when it should only pre-commit.',
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
    edits: [
      {
        file: 'packages/sql-operators/src/sink/table-sink.ts',
        text: 'return { list: { [COMMITTABLES]: tagged, [WRITER_STATE]: this.#writerState } }',
        planted: 'return { list: { [COMMITTABLES]: [], [WRITER_STATE]: this.#writerState } }',
      },
    ],
  },
  {
    name: 'forget-offset',
    breaks: 'The Kafka source snapshots what it has fetched instead of what it has emitted.',
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
    edits: [
      {
        file: 'packages/connector-kafka/src/sink/transaction-recovery.ts',
        text: "  const ongoing = await client.listTransactions(['Ongoing'])\n",
        planted: '  const ongoing: string[] | null = []\n',
      },
    ],
  },
  {
    name: 'skip-fencing',
    breaks: 'Calls of a former leader are carried out.',
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
    edits: [
      {
        file: 'packages/sql-operators/src/aggregate/window-firing.ts',
        text: '    this.#firedMs = watermarkMs\n',
        planted: '    this.#firedMs = watermarkMs - 120_000\n',
      },
    ],
  },
  {
    name: 'lose-restored-groups',
    breaks: 'A window aggregate forgets some of the groups that it restores.',
    edits: [
      {
        file: 'packages/sql-operators/src/aggregate/global-window-aggregate.ts',
        text: 'aggregation.slots[i] = aggregation.table.slotFor(key, end, hashFloat64(end))',
        planted:
          'aggregation.slots[i] = key % 8 === 7 ? 0 : aggregation.table.slotFor(key, end, hashFloat64(end))',
      },
    ],
  },
  {
    name: 'keep-fired-slices',
    breaks: 'Slices stay in the state for a minute after the last window that they are in.',
    edits: [
      {
        file: 'packages/sql-operators/src/aggregate/window-firing.ts',
        text: 'const last = this.#merging ? this.#slices.lastWindowEnd(group) : group',
        planted: 'const last = this.#merging ? this.#slices.lastWindowEnd(group) + 60_000 : group',
      },
    ],
  },
  {
    name: 'forget-lost-transactions',
    breaks: 'A transaction that can no longer be committed counts as committed.',
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
        file: 'packages/connector-kafka/src/source/broker-fetcher.ts',
        text: '        this.#requireTransient(fetched, fetchOffset)\n',
        planted:
          '        if (fetched.error === ProtocolError.OFFSET_OUT_OF_RANGE) progress.fetchOffset = fetched.logStartOffset\n        else this.#requireTransient(fetched, fetchOffset)\n',
      },
    ],
  },
]
