/**
 * `group-aggregate`: GROUP BY without a window; a changelog in, or only inserts, and a changelog out.
 *
 * A batch is one step: each group that it touches gives its difference (+I, -U +U, -D) once, and nothing when its
 * results are the same
 * (unless the state has a time to live: then an update refreshes the consumer's copy too, as in the reference engine).
 * Invariant: what was emitted for a group last is what its words say.
 */
import {
  BATCH_ROWS_TARGET,
  type Column,
  ColumnBatch,
  Float64Column,
  gatherRows,
  hashFloat64,
  type Operator,
  type OperatorContext,
  type OperatorSnapshot,
  RowKind,
  valueAt,
} from '@millrace/core'
import { evaluationSettings } from '../evaluate/evaluation-settings.ts'
import type { GroupAggregateConfig } from '../operator-config.ts'
import { planAccumulators } from './accumulator-plan.ts'
import { AggregateInput } from './aggregate-input.ts'
import { CHANGED, GROUPS } from './aggregate-state-names.ts'
import { Aggregation } from './aggregation.ts'
import { recomputeExtremes } from './recompute-extremes.ts'
import { restoreValueCounts, snapshotValueCounts } from './value-count-state.ts'

/** Groups lie in the table under one group value. */
const ALL = 0
const ALL_HASH = hashFloat64(ALL)

export class GroupAggregate implements Operator {
  readonly #config: GroupAggregateConfig
  readonly #context: OperatorContext
  readonly #aggregation: Aggregation
  readonly #input: AggregateInput
  #changedMs = new Float64Array(64)
  #touched = new Int32Array(64)
  /** 1: the slot is in `#touched`. */
  #marks = new Uint8Array(64)
  #signs = new Int8Array(0)
  #cancelTimer: (() => void) | null = null
  #closed = false

  constructor(config: GroupAggregateConfig, context: OperatorContext) {
    this.#config = config
    this.#context = context
    const plan = planAccumulators(config.aggregates)
    const settings = evaluationSettings(config.inputSchema, context)
    this.#input = new AggregateInput(config.keys, null, plan, settings)
    const keyFields = config.outputSchema.fields.slice(0, config.keys.length)
    this.#aggregation = new Aggregation(plan, keyFields, config.inputIsChangelog)
  }

  async open(): Promise<void> {
    const { restored } = this.#context
    if (restored !== null) {
      const schema = this.#aggregation.stateSchema([CHANGED])
      for await (const { rows } of restored.readKeyed(GROUPS, schema)) this.#restoreGroups(rows)
      await restoreValueCounts(this.#aggregation, restored)
    }
    this.#scheduleExpiry()
  }

  processBatch(_input: number, batch: ColumnBatch): void {
    const { rowCount } = batch
    if (rowCount === 0) return
    const aggregation = this.#aggregation
    const { table } = aggregation
    this.#input.read(batch)
    aggregation.resolveKeys(this.#input.keys, rowCount)
    const { keyIds, slots } = aggregation
    for (let i = 0; i < rowCount; i++) slots[i] = table.slotFor(keyIds[i]!, ALL, ALL_HASH)
    const touched = this.#touchedSlots(rowCount)
    const nowMs = this.#config.stateTtlMs > 0 ? this.#context.nowMs() : 0
    if (this.#config.stateTtlMs > 0) this.#forgetExpired(touched, nowMs)

    const existed = this.#existing(touched)
    const before = this.#rowsOf(touched)
    aggregation.update(rowCount, this.#input.arguments, this.#signsOf(batch))
    if (this.#config.inputIsChangelog) recomputeExtremes(aggregation, touched)
    const exists = this.#existing(touched)
    const after = this.#rowsOf(touched)
    this.#emitDifference(before, existed, after, exists, touched.length)

    for (let i = 0; i < touched.length; i++) {
      this.#changedMs[touched[i]!] = nowMs
      if (exists[i] === 0) this.#free(touched[i]!)
    }
    this.#compact()
  }

  processWatermark(_input: number, timestampMs: number): void {
    this.#context.output.emitWatermark(timestampMs)
  }

  processWatermarkStatus(_input: number, idle: boolean): void {
    this.#context.output.emitWatermarkStatus(idle)
  }

  endInput(): void {}

  snapshot(): OperatorSnapshot {
    const { maxParallelism } = this.#context.subtask
    const groups = this.#aggregation.snapshotTable(
      GROUPS,
      [CHANGED],
      (slots) => [
        new Float64Column(
          Float64Array.from(slots, (s) => this.#changedMs[s]!),
          null,
        ),
      ],
      maxParallelism,
    )
    return { keyed: [groups, ...snapshotValueCounts(this.#aggregation, maxParallelism)] }
  }

  close(): void {
    this.#closed = true
    this.#cancelTimer?.()
  }

  /** Each slot of the batch once, in order of first appearance. */
  #touchedSlots(rowCount: number): Int32Array {
    const { size } = this.#aggregation.table
    if (this.#marks.length < size) {
      const length = Math.max(size, this.#marks.length * 2)
      this.#marks = new Uint8Array(length)
      const changed = new Float64Array(length)
      changed.set(this.#changedMs)
      this.#changedMs = changed
    }
    if (this.#touched.length < rowCount) this.#touched = new Int32Array(rowCount)
    const { slots } = this.#aggregation
    let count = 0
    for (let i = 0; i < rowCount; i++) {
      const slot = slots[i]!
      if (this.#marks[slot] === 1) continue
      this.#marks[slot] = 1
      this.#touched[count++] = slot
    }
    for (let i = 0; i < count; i++) this.#marks[this.#touched[i]!] = 0
    return this.#touched.subarray(0, count)
  }

  #existing(slots: Int32Array): Uint8Array {
    const { words, stride } = this.#aggregation.table
    const existing = new Uint8Array(slots.length)
    for (let i = 0; i < slots.length; i++) existing[i] = words[slots[i]! * stride]! > 0 ? 1 : 0
    return existing
  }

  #rowsOf(slots: Int32Array): Column[] {
    const { table } = this.#aggregation
    return [
      ...this.#aggregation.keyColumns(table, slots, 0, slots.length),
      ...this.#aggregation.resultColumns(table, slots, 0, slots.length),
    ]
  }

  #signsOf(batch: ColumnBatch): Int8Array | null {
    if (!this.#config.inputIsChangelog) return null
    if (this.#signs.length < batch.rowCount) this.#signs = new Int8Array(batch.rowCount)
    const { rowKinds } = batch
    for (let i = 0; i < batch.rowCount; i++) {
      const kind = rowKinds === null ? RowKind.INSERT : rowKinds[i]
      this.#signs[i] = kind === RowKind.UPDATE_BEFORE || kind === RowKind.DELETE ? -1 : 1
    }
    return this.#signs
  }

  #emitDifference(
    before: Column[],
    existed: Uint8Array,
    after: Column[],
    exists: Uint8Array,
    count: number,
  ): void {
    // Rows 2i and 2i + 1 of the pair are group i before and after.
    const picked = new Int32Array(count * 2)
    const kinds = new Uint8Array(count * 2)
    let rows = 0
    const add = (row: number, kind: number): void => {
      picked[rows] = row
      kinds[rows++] = kind
    }
    for (let i = 0; i < count; i++) {
      const was = existed[i] === 1
      const is = exists[i] === 1
      if (was && is) {
        if (this.#config.stateTtlMs === 0 && this.#same(before, after, i)) continue
        add(i, RowKind.UPDATE_BEFORE)
        add(i + count, RowKind.UPDATE_AFTER)
      } else if (is) add(i + count, RowKind.INSERT)
      else if (was) add(i, RowKind.DELETE)
    }
    for (let from = 0; from < rows; from += BATCH_ROWS_TARGET) {
      const to = Math.min(rows, from + BATCH_ROWS_TARGET)
      this.#emitPicked(before, after, count, picked.subarray(from, to), kinds.slice(from, to))
    }
  }

  #emitPicked(
    before: Column[],
    after: Column[],
    count: number,
    picked: Int32Array,
    kinds: Uint8Array,
  ): void {
    const columns = before.map((column, c) => interleave(column, after[c]!, count, picked))
    this.#context.output.emitBatch(new ColumnBatch(picked.length, columns, kinds))
  }

  #same(before: Column[], after: Column[], row: number): boolean {
    for (let c = this.#config.keys.length; c < before.length; c++) {
      if (!Object.is(valueAt(before[c]!, row), valueAt(after[c]!, row))) return false
    }
    return true
  }

  #free(slot: number): void {
    this.#aggregation.table.freeSlot(slot)
    this.#aggregation.counts?.free(slot)
  }

  /** A group older than its time to live is as if it had never been; nothing is emitted for that. */
  #forgetExpired(slots: Int32Array, nowMs: number): void {
    for (const slot of slots) {
      const changedMs = this.#changedMs[slot]!
      if (changedMs === 0 || nowMs - changedMs < this.#config.stateTtlMs) continue
      this.#aggregation.table.resetWords(slot)
      this.#aggregation.counts?.free(slot)
    }
  }

  #compact(): void {
    const oldSlots = this.#aggregation.compactWhenWorthwhile()
    if (oldSlots === null) return
    const changed = new Float64Array(Math.max(oldSlots.length, 64))
    for (let slot = 1; slot < oldSlots.length; slot++) {
      changed[slot] = this.#changedMs[oldSlots[slot]!]!
    }
    this.#changedMs = changed
    this.#marks = new Uint8Array(changed.length)
  }

  #scheduleExpiry(): void {
    const { stateTtlMs } = this.#config
    if (stateTtlMs === 0 || this.#closed) return
    this.#cancelTimer = this.#context.mailbox.schedule(stateTtlMs, () => {
      if (this.#closed) return
      const nowMs = this.#context.nowMs()
      for (const slot of this.#aggregation.table.liveSlots()) {
        if (nowMs - this.#changedMs[slot]! >= stateTtlMs) this.#free(slot)
      }
      this.#compact()
      this.#scheduleExpiry()
    })
  }

  #restoreGroups(rows: ColumnBatch): void {
    const aggregation = this.#aggregation
    const keyCount = this.#config.keys.length
    aggregation.resolveKeys(rows.columns.slice(0, keyCount), rows.rowCount)
    const { keyIds, slots, table } = aggregation
    for (let i = 0; i < rows.rowCount; i++) slots[i] = table.slotFor(keyIds[i]!, ALL, ALL_HASH)
    this.#touchedSlots(rows.rowCount)
    const changed = (rows.columns[keyCount] as Float64Column).values
    for (let i = 0; i < rows.rowCount; i++) this.#changedMs[slots[i]!] = changed[i]!
    aggregation.merge(rows.rowCount, rows.columns.slice(keyCount + 1))
  }
}

/** Rows `picked` of `before` followed by `after`, `count` rows each. */
function interleave(before: Column, after: Column, count: number, picked: Int32Array): Column {
  const fromBefore = new Int32Array(picked.length)
  const fromAfter = new Int32Array(picked.length)
  for (let i = 0; i < picked.length; i++) {
    const row = picked[i]!
    fromBefore[i] = row < count ? row : 0
    fromAfter[i] = row < count ? 0 : row - count
  }
  const a = gatherRows(new ColumnBatch(count, [before]), fromBefore).columns[0]!
  const b = gatherRows(new ColumnBatch(count, [after]), fromAfter).columns[0]!
  for (let i = 0; i < picked.length; i++) {
    if (picked[i]! < count) continue
    if (a.kind === 'str' && b.kind === 'str') a.codes![i] = b.codes![i]!
    else if (a.kind !== 'str' && b.kind !== 'str') a.values[i] = b.values[i] as never
    if (b.nulls !== null || a.nulls !== null) {
      a.nulls ??= new Uint8Array(picked.length)
      a.nulls[i] = b.nulls === null ? 0 : b.nulls[i]!
    }
  }
  return a
}
