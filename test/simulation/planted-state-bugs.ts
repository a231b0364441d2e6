/** Bugs on purpose of keyed state: its tables, their checkpoints, what is restored of them. */
import type { PlantedBug } from './planted-bug.ts'

export const PLANTED_STATE_BUGS: readonly PlantedBug[] = [
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
]
