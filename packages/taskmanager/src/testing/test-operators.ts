/**
 * Small operators for the tests of slots and tasks: a resumable source, a keyed sum, a collecting
 * sink, and ones that misbehave.
 */
import {
  batchOf,
  type ChainedOperator,
  type ColumnBatch,
  keyGroups,
  type Operator,
  type OperatorContext,
  type OperatorFactory,
  type OperatorRegistry,
  type OperatorSnapshot,
  type PollResult,
  rowsOf,
  type Schema,
  type SourceOperator,
} from '@millrace/core'

export const TEST_SCHEMA: Schema = {
  fields: [
    { name: 'k', type: { kind: 'STRING', nullable: false } },
    { name: 'v', type: { kind: 'DOUBLE', nullable: false } },
  ],
}

export interface SequenceConfig {
  /** Rows of this subtask; absent: endless. */
  readonly count?: number
  readonly batchRows: number
  readonly keyCount: number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Row i of a subtask is (`key-<i mod keyCount>`, i); its position is its state. */
class SequenceSource implements SourceOperator {
  readonly #config: SequenceConfig
  readonly #context: OperatorContext
  #next = 0
  readonly events: unknown[] = []

  constructor(config: SequenceConfig, context: OperatorContext) {
    this.#config = config
    this.#context = context
  }

  open(): void {
    const stored = this.#context.restored?.readList('position')[0]
    if (stored !== undefined) this.#next = Number(decoder.decode(stored))
  }

  poll(): PollResult {
    const { count, batchRows, keyCount } = this.#config
    const end = Math.min(count ?? Number.POSITIVE_INFINITY, this.#next + batchRows)
    if (this.#next >= end) return 'end-of-input'
    const rows: [string, number][] = []
    for (; this.#next < end; this.#next++) rows.push([`key-${this.#next % keyCount}`, this.#next])
    this.#context.output.emitBatch(batchOf(TEST_SCHEMA, rows))
    this.#context.output.emitWatermark(this.#next)
    return 'more'
  }

  whenAvailable(): Promise<void> {
    return Promise.resolve()
  }

  handleCoordinatorEvent(event: unknown): void {
    this.#next = (event as { seek: number }).seek
  }

  snapshot(): OperatorSnapshot {
    return { list: { position: [encoder.encode(String(this.#next))] } }
  }

  close(): void {}
}

abstract class Forwarding implements Operator {
  protected readonly context: OperatorContext
  constructor(context: OperatorContext) {
    this.context = context
  }
  open(): Promise<void> | void {}
  processBatch(_input: number, batch: ColumnBatch): void {
    this.context.output.emitBatch(batch)
  }
  processWatermark(_input: number, timestampMs: number): void {
    this.context.output.emitWatermark(timestampMs)
  }
  processWatermarkStatus(_input: number, idle: boolean): void {
    this.context.output.emitWatermarkStatus(idle)
  }
  endInput(_input: number): void {}
  snapshot(_checkpointId: number): OperatorSnapshot {
    return {}
  }
  close(): Promise<void> | void {}
}

/** Sum per key, emitted at the end; keyed state. */
class KeyedSum extends Forwarding {
  readonly #sums = new Map<string, number>()

  override async open(): Promise<void> {
    const { restored } = this.context
    if (restored === null) return
    for await (const { rows } of restored.readKeyed('sums', TEST_SCHEMA)) {
      for (const [key, sum] of rowsOf(rows, TEST_SCHEMA)) {
        this.#sums.set(key as string, sum as number)
      }
    }
  }

  override processBatch(_input: number, batch: ColumnBatch): void {
    for (const [key, value] of rowsOf(batch, TEST_SCHEMA)) {
      this.#sums.set(key as string, (this.#sums.get(key as string) ?? 0) + (value as number))
    }
  }

  override endInput(): void {
    if (this.#sums.size > 0) {
      this.context.output.emitBatch(batchOf(TEST_SCHEMA, [...this.#sums]))
    }
  }

  override snapshot(): OperatorSnapshot {
    if (this.#sums.size === 0) return {}
    const rows = batchOf(TEST_SCHEMA, [...this.#sums])
    const groups = keyGroups(rows, [0], this.context.subtask.maxParallelism)
    return { keyed: [{ name: 'sums', schema: TEST_SCHEMA, rows, keyGroups: groups }] }
  }
}

/** Sends its rows to the coordinator; commits are events too. */
class CollectSink extends Forwarding {
  override processBatch(_input: number, batch: ColumnBatch): void {
    void this.#send({ rows: rowsOf(batch, TEST_SCHEMA) })
  }
  notifyCheckpointComplete(checkpointId: number): Promise<void> {
    return this.#send({ committed: checkpointId })
  }
  finish(): Promise<void> {
    return this.#send({ finished: true })
  }
  async #send(event: unknown): Promise<void> {
    await this.context.sendToCoordinator(event)
  }
}

/** Takes nothing more after its first batch. */
class StuckSink extends Forwarding {
  #batches = 0
  override processBatch(): void {
    this.#batches++
  }
  isBlocked(): boolean {
    return this.#batches > 0
  }
  resume(): void {}
}

class DiscardSink extends Forwarding {
  override processBatch(): void {}
}

/** Waits asynchronously at every barrier, as a sink that flushes does. */
class FlushingSink extends Forwarding {
  readonly #log: string[] = []
  override processBatch(_input: number, batch: ColumnBatch): void {
    this.#log.push(`rows ${batch.rowCount}`)
  }
  prepareBarrier(checkpointId: number): Promise<void> {
    this.#log.push(`prepare ${checkpointId}`)
    return new Promise((resolve) => {
      this.context.mailbox.schedule(20, () => {
        this.#log.push(`prepared ${checkpointId}`)
        resolve()
      })
    })
  }
  override snapshot(checkpointId: number): OperatorSnapshot {
    this.#log.push(`snapshot ${checkpointId}`)
    return { list: { log: this.#log.splice(0).map((line) => encoder.encode(line)) } }
  }
}

class Spin extends Forwarding {
  override processBatch(): void {
    for (;;);
  }
}

class Hoard extends Forwarding {
  readonly #kept: unknown[] = []
  override processBatch(): void {
    for (;;) this.#kept.push(Array.from({ length: 1000 }, (_, i) => ({ i, text: `${i}` })))
  }
}

class Throw extends Forwarding {
  override processBatch(): void {
    throw new Error('the cup is empty')
  }
}

const stubborn: (() => void)[] = []

/** Closes only when the test is over. */
class NeverCloses extends Forwarding {
  override close(): Promise<void> {
    return new Promise((resolve) => stubborn.push(resolve))
  }
}

/** Lets every `never-closes` operator close. */
export function releaseStubborn(): void {
  for (const resolve of stubborn.splice(0)) resolve()
}

const operator =
  (make: (context: OperatorContext) => Operator): OperatorFactory =>
  (_config, context): ChainedOperator => ({ kind: 'operator', operator: make(context) })

export function testRegistry(): OperatorRegistry {
  return new Map<string, OperatorFactory>([
    [
      'sequence',
      (config, context) => ({
        kind: 'source',
        operator: new SequenceSource(config as SequenceConfig, context),
      }),
    ],
    ['forward', operator((context) => new (class extends Forwarding {})(context))],
    ['sum', operator((context) => new KeyedSum(context))],
    ['collect', operator((context) => new CollectSink(context))],
    ['stuck', operator((context) => new StuckSink(context))],
    ['discard', operator((context) => new DiscardSink(context))],
    ['flushing', operator((context) => new FlushingSink(context))],
    ['spin', operator((context) => new Spin(context))],
    ['hoard', operator((context) => new Hoard(context))],
    ['throw', operator((context) => new Throw(context))],
    ['never-closes', operator((context) => new NeverCloses(context))],
  ])
}
