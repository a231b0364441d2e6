/**
 * `union`: UNION ALL; rows of every input as they come.
 *
 * Invariant: the output watermark is the minimum over the inputs that are neither idle nor ended, and never goes back.
 */
import {
  type ColumnBatch,
  type Operator,
  type OperatorContext,
  type OperatorSnapshot,
  WATERMARK_MIN,
} from '@millrace/core'
import type { UnionConfig } from '../operator-config.ts'

interface InputState {
  watermark: number
  idle: boolean
  ended: boolean
}

export class Union implements Operator {
  readonly #context: OperatorContext
  readonly #inputs = new Map<number, InputState>()
  #emitted = WATERMARK_MIN
  #idle = false

  constructor(config: UnionConfig, context: OperatorContext) {
    this.#context = context
    for (let i = 0; i < config.inputCount; i++) {
      this.#inputs.set(i, { watermark: WATERMARK_MIN, idle: false, ended: false })
    }
  }

  open(): void {}

  processBatch(_input: number, batch: ColumnBatch): void {
    this.#context.output.emitBatch(batch)
  }

  processWatermark(input: number, timestampMs: number): void {
    this.#input(input).watermark = timestampMs
    this.#forward()
  }

  processWatermarkStatus(input: number, idle: boolean): void {
    this.#input(input).idle = idle
    this.#forward()
  }

  endInput(input: number): void {
    this.#input(input).ended = true
    this.#forward()
  }

  snapshot(): OperatorSnapshot {
    return {}
  }

  close(): void {}

  #input(input: number): InputState {
    const known = this.#inputs.get(input)
    if (known !== undefined) return known
    const state = { watermark: WATERMARK_MIN, idle: false, ended: false }
    this.#inputs.set(input, state)
    return state
  }

  #forward(): void {
    let minimum = Number.POSITIVE_INFINITY
    let active = 0
    let open = 0
    for (const input of this.#inputs.values()) {
      if (!input.ended) open++
      if (input.ended || input.idle) continue
      active++
      minimum = Math.min(minimum, input.watermark)
    }
    if (active > 0 && this.#idle) {
      this.#idle = false
      this.#context.output.emitWatermarkStatus(false)
    }
    if (active === 0 && open === 0) {
      // All ended: what the last of them said stands.
      minimum = Math.max(...[...this.#inputs.values()].map((input) => input.watermark))
    }
    if ((active > 0 || open === 0) && minimum > this.#emitted) {
      this.#emitted = minimum
      this.#context.metrics.currentOutputWatermark = minimum
      this.#context.output.emitWatermark(minimum)
    }
    if (active === 0 && open > 0 && !this.#idle) {
      this.#idle = true
      this.#context.output.emitWatermarkStatus(true)
    }
  }
}
