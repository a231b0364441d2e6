/**
 * OperatorInputs: watermarks, idleness and ends of one operator's inputs, combined, told to it, and
 * passed on.
 *
 * Between what feeds an operator (gates, the operator before it in the chain) and its output; rows
 * go past it. The task drives it, and so does every harness that stands in for a task. Invariants:
 * the output's watermark follows everything that the operator emitted because of it; nothing is
 * told to a blocked operator, what comes meanwhile waits here in order; each end is told once,
 * after the input's watermark.
 */
import { WATERMARK_MAX, WATERMARK_MIN } from '../stream/stream-element.ts'
import { WatermarkMerge } from '../stream/watermark-merge.ts'
import type { Operator, Output } from './operator.ts'
import type { OperatorMetrics } from './operator-metrics.ts'

export class OperatorInputs {
  readonly merge: WatermarkMerge
  readonly #operator: Operator
  readonly #output: Output
  readonly #metrics: OperatorMetrics
  /** Names of the gauges, one an input; empty with a single input. */
  readonly #gauges: readonly string[]
  /** By input: the last watermark of it that the operator was told; empty when it does not ask. */
  readonly #toldOf: Float64Array
  /** The last watermark over all inputs that the operator was told. */
  #told = WATERMARK_MIN
  #passedOn = WATERMARK_MIN
  #idle = false
  /** Ends that the operator has not been told. */
  #ends: number[] = []
  #open: number
  #settled = true

  constructor(operator: Operator, inputCount: number, output: Output, metrics: OperatorMetrics) {
    this.#operator = operator
    this.#output = output
    this.#metrics = metrics
    this.merge = new WatermarkMerge(inputCount)
    this.#open = inputCount
    const asked = operator.inputWatermark === undefined ? 0 : inputCount
    this.#toldOf = new Float64Array(asked).fill(WATERMARK_MIN)
    this.#gauges =
      inputCount === 1
        ? []
        : Array.from({ length: inputCount }, (_, input) => `currentInput${input + 1}Watermark`)
  }

  /** Everything that came in has been told and passed on. */
  get isSettled(): boolean {
    return this.#settled
  }

  /** Inputs whose end has not come. */
  get openInputs(): number {
    return this.#open
  }

  watermark(input: number, timestampMs: number): void {
    if (timestampMs <= this.merge.watermarkOf(input)) return
    const gauge = this.#gauges[input]
    if (gauge !== undefined) this.#metrics.gauges.set(gauge, timestampMs)
    const grown = this.merge.advance(input, timestampMs)
    if (grown || this.#toldOf.length > 0) this.settle()
  }

  idle(input: number, idle: boolean): void {
    if (this.merge.setIdle(input, idle)) this.settle()
  }

  /** Input `input` has no more rows. */
  end(input: number): void {
    this.#open--
    this.watermark(input, WATERMARK_MAX)
    this.merge.end(input)
    this.#ends.push(input)
    this.settle()
  }

  /** Goes on as far as the operator is not blocked. */
  settle(): void {
    const operator = this.#operator
    while (!this.#isDone()) {
      if (operator.isBlocked?.() === true) {
        this.#settled = false
        return
      }
      this.#step()
    }
    this.#settled = true
  }

  #isDone(): boolean {
    const { merge } = this
    return (
      this.#passedOn === this.#told &&
      this.#told === merge.current &&
      this.#idle === merge.isIdle &&
      this.#ends.length === 0 &&
      this.#untoldInput() < 0
    )
  }

  /** An input whose watermark has grown beyond what the operator was told of it, or -1. */
  #untoldInput(): number {
    const told = this.#toldOf
    for (let input = 0; input < told.length; input++) {
      if ((told[input] as number) < this.merge.watermarkOf(input)) return input
    }
    return -1
  }

  /**
   * One element: a watermark on its way first, then waking up, single watermarks, that over all,
   * idleness, end.
   */
  #step(): void {
    const { merge } = this
    if (this.#passedOn < this.#told) {
      this.#passedOn = this.#told
      this.#passOnWatermark(this.#told)
      return
    }
    if (this.#idle && !merge.isIdle) {
      this.#setIdle(false)
      return
    }
    const untold = this.#untoldInput()
    if (untold >= 0) {
      this.#toldOf[untold] = merge.watermarkOf(untold)
      this.#operator.inputWatermark?.(untold, merge.watermarkOf(untold))
    } else if (this.#told < merge.current) {
      this.#told = merge.current
      this.#metrics.currentInputWatermark = this.#told
      this.#operator.processWatermark?.(this.#told)
    } else if (!this.#idle && merge.isIdle) this.#setIdle(true)
    else this.#operator.endInput(this.#ends.shift() as number)
  }

  #passOnWatermark(timestampMs: number): void {
    if (this.#operator.makesWatermarks === true) {
      if (timestampMs !== WATERMARK_MAX) return
      this.#output.emitWatermarkStatus(false)
    }
    this.#output.emitWatermark(timestampMs)
  }

  #setIdle(idle: boolean): void {
    this.#idle = idle
    this.#operator.processIdle?.(idle)
    if (this.#operator.makesWatermarks !== true) this.#output.emitWatermarkStatus(idle)
  }
}
