/**
 * Writes one operator's snapshot as a segment, in the background of the subtask's mailbox.
 *
 * Stands between `Operator.snapshot` and the checkpoint's acknowledgement. Works a few thousand
 * rows at a time and lets the mailbox run in between; when it resolves, everything that the handle
 * refers to is durable.
 */
import { crc32 } from 'node:zlib'
import {
  BATCH_BYTES_MAX,
  BATCH_ROWS_TARGET,
  encodeBatch,
  encodedBatchSize,
  type FrozenTable,
  isMillraceError,
  type KeyGroupRange,
  type ListShare,
  NO_KEY_GROUP,
  type OperatorSnapshot,
  type OperatorStateHandles,
} from '@millrace/core'
import type { Clock, Filesystem } from '@millrace/platform'
import { stateError } from '../error-codes.ts'
import { sharedSegmentName } from '../handle/shared-segments.ts'
import { encodeItems } from './item-block.ts'
import { sortByKeyGroup } from './key-group-sort.ts'
import {
  FULL_SEGMENT_VERSION,
  type ItemsIndex,
  type KeyedBlock,
  SEGMENT_VERSION,
  type SegmentIndex,
  segmentHeader,
  segmentTail,
  type TableIndex,
} from './segment-format.ts'
import { SegmentSink } from './segment-sink.ts'

/** Rows of a table's first block, before it is known how large they are. */
const FIRST_BLOCK_ROWS = 64

/** With 64 key groups a subtask, a block of each holds about 1,500 of their rows. */
const POSITIONS_PER_WINDOW = 96 * 1024

interface Pace {
  /** Rows of a block, by how large the last one came out. */
  rowsAtOnce: number
}

export interface SnapshotTarget {
  /**
   * The checkpoint's own directory (`checkpointPath`, or a savepoint's), absolute; null: everything
   * stays inline.
   */
  readonly directory: string | null
  readonly checkpointId: number
  readonly operatorId: string
  readonly subtaskIndex: number
  /** Distinguishes files of an earlier attempt of the same subtask. */
  readonly attempt: number
  /** `directory` is that of segments which later checkpoints may refer to. */
  readonly isShared?: boolean
  readonly keyGroupRange: KeyGroupRange
  /** `state.storage.fs.memory-threshold`, bytes. */
  readonly memoryThreshold: number
  readonly filesystem: Filesystem
  readonly clock: Clock
  /** Aborted: stops at the next step, removes the file and rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** Bytes encoded between two pauses: about 2 ms of work, most of it copying strings. */
const BYTES_PER_STEP = 96 * 1024

export interface WrittenSnapshot extends OperatorStateHandles {
  /** Rows of its tables: without any there is nothing for a later checkpoint to build upon. */
  readonly keyedRows: number
}

/**
 * Resolves with no part when the snapshot is empty. Rejects with STATE_WRITE_FAILED (disk full,
 * read-only, missing …) or STATE_SNAPSHOT_INVALID.
 */
export async function writeOperatorSnapshot(
  snapshot: OperatorSnapshot,
  target: SnapshotTarget,
): Promise<WrittenSnapshot> {
  const writer = new SegmentWriter(target)
  try {
    for (const table of snapshot.keyed ?? []) await writer.prepare(table, 0)
    return isEmpty(snapshot) ? { parts: [], keyedRows: 0 } : await writer.write(snapshot)
  } catch (error) {
    await writer.sink.abandon()
    if (isMillraceError(error) || target.signal?.aborted === true) throw error
    throw writeFailed(error, target)
  } finally {
    for (const table of snapshot.keyed ?? []) table.release()
  }
}

class SegmentWriter {
  readonly #target: SnapshotTarget
  readonly sink: SegmentSink
  #bytesSincePause = 0

  constructor(target: SnapshotTarget) {
    this.#target = target
    const { operatorId, subtaskIndex, attempt, checkpointId } = target
    const ownName = `${operatorId}-${subtaskIndex}-${attempt}.state`
    const fileName = target.isShared ? sharedSegmentName(checkpointId, ownName) : ownName
    this.sink = new SegmentSink(
      target.filesystem,
      target.directory,
      fileName,
      target.memoryThreshold,
    )
  }

  /** As `FrozenTable.prepare`, to its end. */
  async prepare(table: FrozenTable, to: number): Promise<void> {
    while (table.prepare?.(to) === false) await this.#pause()
  }

  async write(snapshot: OperatorSnapshot): Promise<WrittenSnapshot> {
    const { operatorId, subtaskIndex, checkpointId, keyGroupRange } = this.#target
    const buildsUpon = (snapshot.keyed ?? []).some(({ since }) => since !== null)
    const version = buildsUpon ? SEGMENT_VERSION : FULL_SEGMENT_VERSION
    await this.sink.append(segmentHeader(version))
    const tables: TableIndex[] = []
    for (const table of snapshot.keyed ?? []) tables.push(await this.#writeTable(table))
    const items: ItemsIndex[] = []
    for (const kind of ['list', 'union'] as const) {
      for (const [name, values] of Object.entries(snapshot[kind] ?? {})) {
        items.push(await this.#writeItems(kind, name, values))
      }
    }
    await this.sink.align()
    const index: SegmentIndex = {
      operatorId,
      subtaskIndex,
      checkpointId,
      keyGroups: { start: keyGroupRange.start, end: keyGroupRange.end },
      tables,
      items,
    }
    const tail = segmentTail(index, this.sink.size, version)
    await this.sink.append(tail.bytes)
    const handle = await this.sink.finish(tail.indexCrc32)
    const lists: Record<string, ListShare> = {}
    for (const { kind, name, count } of items) {
      if (kind === 'list') lists[name] = { count, offset: 0, stride: 1 }
    }
    const unions = items.filter(({ kind }) => kind === 'union').map(({ name }) => name)
    const keyGroups = tables.length > 0 ? index.keyGroups : null
    return { parts: [{ handle, keyGroups, lists, unions }], keyedRows: rowsOf(tables) }
  }

  /** Window by window, so that a table's copies of what is written meanwhile go early. */
  async #writeTable(table: FrozenTable): Promise<TableIndex> {
    const { schema, name, positionCount, expiry } = table
    const blocks: KeyedBlock[] = []
    const pace: Pace = { rowsAtOnce: FIRST_BLOCK_ROWS }
    for (let from = 0; from < positionCount; from += POSITIONS_PER_WINDOW) {
      const to = Math.min(positionCount, from + POSITIONS_PER_WINDOW)
      await this.prepare(table, to)
      await this.#writeWindow(table, from, to, pace, blocks)
      table.releaseBefore(to)
      if (to < positionCount) await this.#pause()
    }
    return {
      ...{ name, schema, blocks },
      ...(table.removed ? { removed: true } : {}),
      ...(expiry === undefined ? {} : { expiry }),
    }
  }

  /** The entries of positions from … to, a block or more for each key group. */
  async #writeWindow(
    table: FrozenTable,
    from: number,
    to: number,
    pace: Pace,
    blocks: KeyedBlock[],
  ): Promise<void> {
    const { schema, name } = table
    const range = this.#target.keyGroupRange
    const order = sortByKeyGroup(table, from, to, range)
    for (let group = range.start; group <= range.end; group++) {
      const end = order.starts[group - range.start + 1]
      let start = order.starts[group - range.start]
      while (start < end) {
        const count = Math.min(pace.rowsAtOnce, end - start)
        const batch = table.gather(order.positions.subarray(start, start + count), count)
        if (batch.columns.length !== schema.fields.length) {
          throw stateError(
            'STATE_SNAPSHOT_INVALID',
            `State '${name}' has ${batch.columns.length} columns for ${schema.fields.length} fields.`,
          )
        }
        const bytes = new Uint8Array(encodedBatchSize(batch, schema))
        encodeBatch(batch, schema, bytes, 0)
        const offset = await this.#appendBlock(bytes)
        blocks.push([group, offset, bytes.length, count, crc32(bytes)])
        start += count
        // Rows like these that make a block of the wanted size: few of long texts.
        const fitting = Math.floor((count * BATCH_BYTES_MAX) / bytes.length)
        pace.rowsAtOnce = Math.max(1, Math.min(BATCH_ROWS_TARGET, fitting))
      }
    }
  }

  async #writeItems(
    kind: 'list' | 'union',
    name: string,
    values: readonly Uint8Array[],
  ): Promise<ItemsIndex> {
    const bytes = encodeItems(values)
    const offset = await this.#appendBlock(bytes)
    return { name, kind, count: values.length, offset, length: bytes.length, crc32: crc32(bytes) }
  }

  async #appendBlock(bytes: Uint8Array): Promise<number> {
    await this.sink.align()
    const offset = this.sink.size
    await this.sink.append(bytes)
    this.#bytesSincePause += bytes.length
    if (this.#bytesSincePause > BYTES_PER_STEP) await this.#pause()
    return offset
  }

  #pause = async (): Promise<void> => {
    this.#bytesSincePause = 0
    await new Promise<void>((resolve) => this.#target.clock.setImmediate(resolve))
    this.#target.signal?.throwIfAborted()
  }
}

function rowsOf(tables: readonly TableIndex[]): number {
  return tables.reduce((sum, { blocks }) => sum + blocks.reduce((n, block) => n + block[3], 0), 0)
}

function isEmpty(snapshot: OperatorSnapshot): boolean {
  if ((snapshot.keyed ?? []).some((table) => hasEntry(table))) return false
  return [snapshot.list, snapshot.union].every((states) =>
    Object.values(states ?? {}).every((items) => items.length === 0),
  )
}

function hasEntry(table: FrozenTable): boolean {
  const keyGroups = new Uint16Array(BATCH_ROWS_TARGET)
  for (let from = 0; from < table.positionCount; from += BATCH_ROWS_TARGET) {
    const to = Math.min(table.positionCount, from + BATCH_ROWS_TARGET)
    table.keyGroups(from, to, keyGroups)
    for (let at = 0; at < to - from; at++) if (keyGroups[at] !== NO_KEY_GROUP) return true
  }
  return false
}

const WRITE_HINTS: Readonly<Record<string, string>> = {
  ENOSPC:
    'Free space on the disk of the checkpoint directory, or lower the number of retained checkpoints.',
  EDQUOT: 'Raise the disk quota of the user that runs the TaskManager, or free space.',
  EACCES: 'Let the user that runs the TaskManager write to the checkpoint directory.',
  EPERM: 'Let the user that runs the TaskManager write to the checkpoint directory.',
  EROFS: 'Mount the checkpoint directory’s filesystem writable.',
}

function writeFailed(cause: unknown, target: SnapshotTarget): Error {
  const code = (cause as { code?: string }).code ?? ''
  const path = target.directory ?? ''
  return stateError(
    'STATE_WRITE_FAILED',
    `Cannot write checkpoint ${target.checkpointId} to ${path}: ${(cause as Error).message}.`,
    {
      hint:
        WRITE_HINTS[code] ??
        'Check the disk and that every TaskManager sees the checkpoint directory.',
      location: { file: path, operator: target.operatorId },
      cause,
    },
  )
}
