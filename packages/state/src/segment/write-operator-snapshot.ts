/**
 * Writes one operator's snapshot as a segment, in the background of the subtask's mailbox.
 *
 * Stands between `Operator.snapshot` and the checkpoint's acknowledgement. Works a few thousand
 * rows at a time and lets the mailbox run in between; when it resolves, everything that the handle
 * refers to is durable.
 */
import { crc32 } from 'node:zlib'
import {
  BATCH_ROWS_TARGET,
  encodeBatch,
  encodedBatchSize,
  gatherRows,
  isMillraceError,
  type KeyedTableSnapshot,
  type KeyGroupRange,
  type OperatorSnapshot,
} from '@millrace/core'
import type { Clock, Filesystem } from '@millrace/platform'
import { stateError } from '../error-codes.ts'
import { checkpointPath } from '../handle/checkpoint-path.ts'
import type { ListShare, OperatorStateHandles } from '../handle/state-handle.ts'
import { encodeItems } from './item-block.ts'
import { sortByKeyGroup } from './key-group-sort.ts'
import {
  type ItemsIndex,
  type KeyedBlock,
  type SegmentIndex,
  segmentHeader,
  segmentTail,
  type TableIndex,
} from './segment-format.ts'
import { SegmentSink } from './segment-sink.ts'

export interface SnapshotTarget {
  /**
   * The job's checkpoint directory (`TaskCheckpointing.directory`), absolute; null or '':
   * everything stays inline.
   */
  readonly directory: string | null
  readonly checkpointId: number
  readonly operatorId: string
  readonly subtaskIndex: number
  /** Distinguishes files of an earlier attempt of the same subtask. */
  readonly attempt: number
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

/**
 * Resolves with no part when the snapshot is empty. Rejects with STATE_WRITE_FAILED (disk full,
 * read-only, missing …) or STATE_SNAPSHOT_INVALID.
 */
export async function writeOperatorSnapshot(
  snapshot: OperatorSnapshot,
  target: SnapshotTarget,
): Promise<OperatorStateHandles> {
  if (isEmpty(snapshot)) return { parts: [] }
  const writer = new SegmentWriter(target)
  try {
    return await writer.write(snapshot)
  } catch (error) {
    await writer.sink.abandon()
    if (isMillraceError(error) || target.signal?.aborted === true) throw error
    throw writeFailed(error, target)
  }
}

class SegmentWriter {
  readonly #target: SnapshotTarget
  readonly sink: SegmentSink
  #bytesSincePause = 0

  constructor(target: SnapshotTarget) {
    this.#target = target
    const fileName = `${target.operatorId}-${target.subtaskIndex}-${target.attempt}.state`
    this.sink = new SegmentSink(
      target.filesystem,
      target.directory ? checkpointPath(target.directory, target.checkpointId) : null,
      fileName,
      target.memoryThreshold,
    )
  }

  async write(snapshot: OperatorSnapshot): Promise<OperatorStateHandles> {
    const { operatorId, subtaskIndex, checkpointId, keyGroupRange } = this.#target
    await this.sink.append(segmentHeader())
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
    const tail = segmentTail(index, this.sink.size)
    await this.sink.append(tail.bytes)
    const handle = await this.sink.finish(tail.indexCrc32)
    const lists: Record<string, ListShare> = {}
    for (const { kind, name, count } of items) {
      if (kind === 'list') lists[name] = { count, offset: 0, stride: 1 }
    }
    const unions = items.filter(({ kind }) => kind === 'union').map(({ name }) => name)
    const keyGroups = tables.length > 0 ? index.keyGroups : null
    return { parts: [{ handle, keyGroups, lists, unions }] }
  }

  async #writeTable(table: KeyedTableSnapshot): Promise<TableIndex> {
    const { rows, keyGroups, schema, name } = table
    if (keyGroups.length < rows.rowCount || rows.columns.length !== schema.fields.length) {
      throw stateError(
        'STATE_SNAPSHOT_INVALID',
        `State '${name}' has ${rows.rowCount} rows with ${keyGroups.length} key groups, ` +
          `and ${rows.columns.length} columns for ${schema.fields.length} fields.`,
      )
    }
    const range = this.#target.keyGroupRange
    const order = await sortByKeyGroup(name, keyGroups, rows.rowCount, range, this.#pause)
    const blocks: KeyedBlock[] = []
    for (let group = range.start; group <= range.end; group++) {
      const end = order.starts[group - range.start + 1]
      let start = order.starts[group - range.start]
      for (; start < end; start += BATCH_ROWS_TARGET) {
        const count = Math.min(BATCH_ROWS_TARGET, end - start)
        const batch = gatherRows(rows, order.rows.subarray(start, start + count), count)
        const bytes = new Uint8Array(encodedBatchSize(batch, schema))
        encodeBatch(batch, schema, bytes, 0)
        const offset = await this.#appendBlock(bytes)
        blocks.push([group, offset, bytes.length, count, crc32(bytes)])
      }
    }
    return { name, schema, blocks }
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

function isEmpty(snapshot: OperatorSnapshot): boolean {
  if ((snapshot.keyed ?? []).some((table) => table.rows.rowCount > 0)) return false
  return [snapshot.list, snapshot.union].every((states) =>
    Object.values(states ?? {}).every((items) => items.length === 0),
  )
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
  const path = checkpointPath(target.directory ?? '', target.checkpointId)
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
