/**
 * Outputs inside a chain: how what one operator emits becomes a call of the next, or an element in
 * a result partition.
 *
 * On the record path between any two operators: a batch costs a counter, two stores (which operator
 * runs, for the watchdog) and a call. Invariants: an operator's output carries watermarks that only
 * grow; the word in `SlotLiveness` names the innermost operator, also after it threw.
 */
import type { ColumnBatch, Operator, OperatorInputs, OperatorMetrics, Output } from '@millrace/core'
import type { ResultPartition } from '@millrace/network'
import { OPERATOR_WORD } from '../executor/slot-liveness.ts'

/** One receiver of an operator's output. */
export interface ChainLink {
  emitBatch(batch: ColumnBatch): void
  emitWatermark(timestampMs: number): void
  emitWatermarkStatus(idle: boolean): void
  isAvailable(): boolean
}

/** Input `input` of an operator of the same chain, or of one behind a gate. */
export class OperatorLink implements ChainLink {
  readonly #operator: Operator
  readonly #inputs: OperatorInputs
  readonly #input: number
  readonly #ordinal: number
  readonly #words: Int32Array
  readonly #metrics: OperatorMetrics
  readonly #output: Output

  constructor(
    operator: { readonly operator: Operator; readonly inputs: OperatorInputs },
    input: number,
    place: { readonly ordinal: number; readonly words: Int32Array },
    metrics: OperatorMetrics,
    output: Output,
  ) {
    this.#operator = operator.operator
    this.#inputs = operator.inputs
    this.#input = input
    this.#ordinal = place.ordinal
    this.#words = place.words
    this.#metrics = metrics
    this.#output = output
  }

  /** Null: `emitBatch` now; else when the promise resolves, with the same batch. */
  prepare(batch: ColumnBatch): Promise<void> | null {
    const operator = this.#operator
    if (operator.prepareBatch === undefined) return null
    const caller = this.#enter()
    const prepared = operator.prepareBatch(this.#input, batch)
    this.#words[OPERATOR_WORD] = caller
    return prepared
  }

  emitBatch(batch: ColumnBatch): void {
    const words = this.#words
    const caller = words[OPERATOR_WORD] as number
    words[OPERATOR_WORD] = this.#ordinal
    this.#metrics.numRecordsIn += batch.rowCount
    this.#operator.processBatch(this.#input, batch)
    words[OPERATOR_WORD] = caller
  }

  emitWatermark(timestampMs: number): void {
    const caller = this.#enter()
    this.#inputs.watermark(this.#input, timestampMs)
    this.#words[OPERATOR_WORD] = caller
  }

  emitWatermarkStatus(idle: boolean): void {
    const caller = this.#enter()
    this.#inputs.idle(this.#input, idle)
    this.#words[OPERATOR_WORD] = caller
  }

  endInput(): void {
    const caller = this.#enter()
    this.#inputs.end(this.#input)
    this.#words[OPERATOR_WORD] = caller
  }

  isAvailable(): boolean {
    if (this.#operator.isBlocked?.() === true || !this.#inputs.isSettled) return false
    return this.#output.isAvailable()
  }

  /** Returns who ran before. */
  #enter(): number {
    const caller = this.#words[OPERATOR_WORD] as number
    this.#words[OPERATOR_WORD] = this.#ordinal
    return caller
  }
}

/** A result partition at the end of a chain. */
export class PartitionLink implements ChainLink {
  readonly partition: ResultPartition

  constructor(partition: ResultPartition) {
    this.partition = partition
  }

  emitBatch(batch: ColumnBatch): void {
    this.partition.emitBatch(batch)
  }

  emitWatermark(timestampMs: number): void {
    this.partition.emitWatermark(timestampMs)
  }

  emitWatermarkStatus(idle: boolean): void {
    this.partition.emitWatermarkStatus(idle)
  }

  isAvailable(): boolean {
    return this.partition.isAvailable()
  }
}

/**
 * What an operator holds: its receivers, one almost always, several when the stream forks. A sink
 * has none.
 */
export class ChainOutput implements Output {
  readonly #metrics: OperatorMetrics
  #first: ChainLink | null = null
  #others: ChainLink[] = []
  #watermark = Number.NEGATIVE_INFINITY
  #idle = false

  constructor(metrics: OperatorMetrics) {
    this.#metrics = metrics
  }

  /** Called while the chain is built. */
  add(link: ChainLink): void {
    if (this.#first === null) this.#first = link
    else this.#others.push(link)
  }

  emitBatch(batch: ColumnBatch): void {
    this.#metrics.numRecordsOut += batch.rowCount
    const first = this.#first
    if (first === null) return
    first.emitBatch(batch)
    const others = this.#others
    for (let i = 0; i < others.length; i++) (others[i] as ChainLink).emitBatch(batch)
  }

  emitWatermark(timestampMs: number): void {
    if (timestampMs <= this.#watermark) return
    this.#watermark = timestampMs
    this.#metrics.currentOutputWatermark = timestampMs
    this.#first?.emitWatermark(timestampMs)
    for (const link of this.#others) link.emitWatermark(timestampMs)
  }

  emitWatermarkStatus(idle: boolean): void {
    if (idle === this.#idle) return
    this.#idle = idle
    this.#first?.emitWatermarkStatus(idle)
    for (const link of this.#others) link.emitWatermarkStatus(idle)
  }

  isAvailable(): boolean {
    const first = this.#first
    if (first === null) return true
    if (!first.isAvailable()) return false
    for (const link of this.#others) if (!link.isAvailable()) return false
    return true
  }
}
