/**
 * State as an operator reads it back: rows of its own key groups and its share of items, from any
 * number of segments.
 *
 * Stands between the handles of a task deployment and `Operator.open`. List and union items are
 * loaded here; keyed rows are read when the operator asks, batch after batch.
 */
import {
  type ColumnBatch,
  type Float64Column,
  gatherRows,
  type KeyGroupRange,
  LAST_WRITE,
  type ListShare,
  type MillraceError,
  type OperatorStateHandles,
  type RestoredOperatorState,
  RowKind,
  type Schema,
  type StateFit,
  type StatePart,
} from '@millrace/core'
import type { Filesystem } from '@millrace/platform'
import { stateError } from '../error-codes.ts'
import type { SegmentIndex, TableIndex } from '../segment/segment-format.ts'
import { SegmentReader } from '../segment/segment-reader.ts'
import { keysAt } from '../table/expiry.ts'
import { fitRows, ownRows, type RowFit } from './fit-rows.ts'
import { sideBySide } from './match-tables.ts'
import { schemaMismatch } from './schema-mismatch.ts'

export interface RestoreRequest {
  readonly handles: OperatorStateHandles
  readonly checkpointId: number
  /** The subtask's own key groups; others are never returned. */
  readonly keyGroupRange: KeyGroupRange
  readonly filesystem: Filesystem
  /** For messages, e.g. the operator's name. */
  readonly operator?: string
}

interface OpenedPart {
  readonly part: StatePart
  readonly index: SegmentIndex
}

/** Rejects with STATE_CORRUPTED, STATE_UNREADABLE. */
export async function openRestoredState(request: RestoreRequest): Promise<RestoredOperatorState> {
  const opened: OpenedPart[] = []
  const lists = new Map<string, Uint8Array[]>()
  const unions = new Map<string, Uint8Array[]>()
  for (const part of request.handles.parts) {
    const reader = new SegmentReader(part.handle, request.filesystem)
    try {
      const index = await reader.readIndex()
      opened.push({ part, index })
      await loadItems(reader, part, index, lists, unions)
    } finally {
      await reader.close()
    }
  }
  return new SegmentedState(request, opened, lists, unions)
}

async function loadItems(
  reader: SegmentReader,
  part: StatePart,
  index: SegmentIndex,
  lists: Map<string, Uint8Array[]>,
  unions: Map<string, Uint8Array[]>,
): Promise<void> {
  for (const entry of index.items) {
    if (entry.kind === 'union') {
      if (!part.unions.includes(entry.name)) continue
      append(unions, entry.name, await reader.readItems(entry))
      continue
    }
    const share = part.lists[entry.name]
    if (share === undefined) continue
    if (share.count !== entry.count) {
      throw reader.corrupted(`list '${entry.name}' has ${entry.count} items, not ${share.count}`)
    }
    const items = await reader.readItems(entry)
    append(
      lists,
      entry.name,
      items.filter((_, i) => isShared(share, i)),
    )
  }
}

export function isShared(share: ListShare, item: number): boolean {
  return item % share.stride === share.offset
}

function append(states: Map<string, Uint8Array[]>, name: string, items: Uint8Array[]): void {
  const known = states.get(name)
  if (known === undefined) states.set(name, items)
  else known.push(...items)
}

class SegmentedState implements RestoredOperatorState {
  readonly checkpointId: number
  readonly #request: RestoreRequest
  readonly #parts: readonly OpenedPart[]
  readonly #lists: ReadonlyMap<string, readonly Uint8Array[]>
  readonly #unions: ReadonlyMap<string, readonly Uint8Array[]>

  constructor(
    request: RestoreRequest,
    parts: readonly OpenedPart[],
    lists: ReadonlyMap<string, readonly Uint8Array[]>,
    unions: ReadonlyMap<string, readonly Uint8Array[]>,
  ) {
    this.checkpointId = request.checkpointId
    this.#request = request
    this.#parts = parts
    this.#lists = lists
    this.#unions = unions
  }

  async *readKeyed(
    name: string,
    schema: Schema,
    fit?: StateFit,
  ): AsyncGenerator<{ readonly keyGroup: number; readonly rows: ColumnBatch }> {
    const { rekeyedAmong } = this.#request.handles
    const own = this.#request.keyGroupRange
    for (const { part, index } of this.#parts) {
      if (part.keyGroups === null) continue
      for (const table of index.tables.filter((candidate) => candidate.name === name)) {
        const keyFields = table.removed === true ? table.schema.fields.length : undefined
        const wanted = { fields: schema.fields.slice(0, keyFields) }
        const fitted =
          fit === undefined
            ? schemaMismatch(table.schema, wanted)
            : fitRows(table.schema, wanted, fit)
        if (typeof fitted === 'string') {
          throw this.#schemaMismatch(name, fitted, table.schema, wanted)
        }
        const isRekeyed = fitted?.isRekeyed === true
        if (isRekeyed && rekeyedAmong === undefined) {
          const text = 'its key is held otherwise now, and the checkpoint does not name its columns'
          throw this.#schemaMismatch(name, text, table.schema, wanted)
        }
        const range = isRekeyed ? part.keyGroups : intersect(part.keyGroups, own)
        for await (const { keyGroup, rows } of this.#readTable(part, index, table, range)) {
          const now = fitted === null ? rows : this.#converted(fitted, rows, table, wanted)
          if (!isRekeyed) yield { keyGroup, rows: now }
          else yield* ownRows(now, fit?.keyCount ?? 0, own, rekeyedAmong ?? 0)
        }
      }
    }
  }

  #converted(fit: RowFit, rows: ColumnBatch, { name, schema }: TableIndex, now: Schema) {
    const converted = fit.convert(rows)
    if (typeof converted !== 'string') return converted
    throw this.#schemaMismatch(name, converted, schema, now)
  }

  readList(name: string): readonly Uint8Array[] {
    return this.#lists.get(name) ?? []
  }

  readUnion(name: string): readonly Uint8Array[] {
    return this.#unions.get(name) ?? []
  }

  async *#readTable(
    part: StatePart,
    index: SegmentIndex,
    table: TableIndex,
    range: KeyGroupRange,
  ): AsyncGenerator<{ readonly keyGroup: number; readonly rows: ColumnBatch }> {
    const reader = new SegmentReader(part.handle, this.#request.filesystem)
    try {
      for (const block of table.blocks) {
        const keyGroup = block[0]
        if (keyGroup < index.keyGroups.start || keyGroup > index.keyGroups.end) {
          throw reader.corrupted(`key group ${keyGroup} was not its writer’s`)
        }
        if (keyGroup < range.start || keyGroup > range.end) continue
        const rows = await reader.readBatch(block, table.schema)
        if (table.removed === true)
          rows.rowKinds = new Uint8Array(rows.rowCount).fill(RowKind.DELETE)
        for (const remembered of this.#remembered(rows, index, table)) {
          yield { keyGroup, rows: remembered }
        }
      }
    } finally {
      await reader.close()
    }
  }

  /**
   * Rows less those that were forgotten by the time of the checkpoint: of these, the keys. They are
   * in it because an earlier one that it builds upon had them, and a longer time to live now must
   * not bring them back.
   */
  *#remembered(
    rows: ColumnBatch,
    { subtaskIndex }: SegmentIndex,
    table: TableIndex,
  ): Generator<ColumnBatch> {
    const at = table.schema.fields.findIndex(({ name }) => name === LAST_WRITE.name)
    const last = this.#parts.findLast(({ index }) => index.subtaskIndex === subtaskIndex)
    const expiry = last?.index.tables.findLast(({ name }) => name === table.name)?.expiry
    if (table.removed === true || at < 0 || expiry === undefined) return yield rows
    const { values } = rows.columns[at] as Float64Column
    const overMs = expiry.atMs - expiry.ttlMs
    const live: number[] = []
    const over: number[] = []
    for (let i = 0; i < rows.rowCount; i++) ((values[i] as number) > overMs ? live : over).push(i)
    if (over.length === 0) return yield rows
    if (live.length > 0) yield gatherRows(rows, Int32Array.from(live), live.length)
    yield keysAt(rows, over, at)
  }

  #schemaMismatch(name: string, mismatch: string, stored: Schema, now: Schema): MillraceError {
    const { operator, checkpointId } = this.#request
    const both = sideBySide(stored, now).join('\n')
    return stateError(
      'STATE_SCHEMA_MISMATCH',
      `Cannot restore state '${name}' from checkpoint ${checkpointId}: ${mismatch}.\n${both}`,
      {
        hint: 'Start the changed query without the checkpoint, or restore the query that wrote it.',
        ...(operator === undefined ? {} : { location: { operator } }),
      },
    )
  }
}

function intersect(a: KeyGroupRange, b: KeyGroupRange): KeyGroupRange {
  return { start: Math.max(a.start, b.start), end: Math.min(a.end, b.end) }
}
