/**
 * Small operators for the tests of slots and tasks: a resumable source, a keyed sum, a collecting
 * sink, and ones that misbehave.
 */
import {
  batchOf,
  type ColumnBatch,
  configParser,
  Float64Column,
  FrozenRows,
  keyGroups,
  natural,
  type Operator,
  type OperatorContext,
  type OperatorFactory,
  type OperatorRegistry,
  type OperatorSnapshot,
  operatorFactory,
  optional,
  type PollResult,
  record,
  rowsOf,
  type Schema,
  type SourceOperator,
  type StateTableSpec,
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

const SEQUENCE = record<SequenceConfig>({
  count: optional(natural),
  batchRows: natural,
  keyCount: natural,
})

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
    return { keyed: [new FrozenRows('sums', TEST_SCHEMA, rows, groups)] }
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

/** Keeps what it did as its state, a line each. */
abstract class Logging extends Forwarding {
  protected readonly log: string[] = []
  override snapshot(checkpointId: number): OperatorSnapshot {
    this.log.push(`snapshot ${checkpointId}`)
    return { list: { log: this.log.splice(0).map((line) => encoder.encode(line)) } }
  }
}

/** Every other batch has to wait for what it needs. */
class Preparing extends Logging {
  #asked = 0
  prepareBatch(_input: number, batch: ColumnBatch): Promise<void> | null {
    if (this.#asked++ % 2 === 1) return null
    this.log.push(`wait ${batch.rowCount}`)
    return new Promise((resolve) => {
      this.context.mailbox.schedule(2, resolve)
    })
  }
  override processBatch(_input: number, batch: ColumnBatch): void {
    const [last] = rowsOf(batch, TEST_SCHEMA).at(-1) as [string, number]
    this.log.push(`rows ${batch.rowCount}`)
    if (last === '') throw new Error('The batch was not kept.')
  }
  processWatermark(timestampMs: number): void {
    this.log.push(`watermark ${timestampMs}`)
  }
}

/** Reads input 0 to its end before input 1, and is blocked meanwhile: its output is not ready. */
class BuildFirst extends Logging {
  #built = false
  readableInputs(): number {
    return this.#built ? 3 : 1
  }
  isBlocked(): boolean {
    return !this.#built && this.log.length > 0
  }
  override processBatch(input: number, batch: ColumnBatch): void {
    this.log.push(`input ${input}`)
    const rows = rowsOf(batch, TEST_SCHEMA)
    if (input === 0 && rows.some(([, value]) => value === 29)) this.#built = true
  }
  override endInput(input: number): void {
    this.log.push(`end ${input}`)
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

const HOARDED: StateTableSpec = {
  name: 'hoard',
  key: { fields: [{ name: 'n', type: { kind: 'DOUBLE', nullable: false } }] },
  sub: null,
  value: { fields: [] },
  ttlMs: 0,
}

/** Keeps a new key for each row, in keyed state. */
class HoardState extends Forwarding {
  #next = 0
  readonly #table = this.context.state.table(HOARDED)

  override processBatch(): void {
    const rows = 65_536
    const values = Float64Array.from({ length: rows }, () => this.#next++)
    this.#table.resolve([new Float64Column(values, null)], rows, new Int32Array(rows))
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

/** Whatever its configuration is. */
const operator = (
  make: (context: OperatorContext) => Operator,
  states: readonly StateTableSpec[] = [],
): OperatorFactory =>
  operatorFactory({
    parse: () => null,
    states: () => states,
    create: (_, context) => ({ kind: 'operator', operator: make(context) }),
  })

export function testRegistry(): OperatorRegistry {
  return new Map<string, OperatorFactory>([
    [
      'sequence',
      operatorFactory<SequenceConfig>({
        parse: configParser(SEQUENCE),
        states: () => [],
        create: (config, context) => ({
          kind: 'source',
          operator: new SequenceSource(config, context),
        }),
      }),
    ],
    ['forward', operator((context) => new (class extends Forwarding {})(context))],
    ['sum', operator((context) => new KeyedSum(context))],
    ['collect', operator((context) => new CollectSink(context))],
    ['stuck', operator((context) => new StuckSink(context))],
    ['discard', operator((context) => new DiscardSink(context))],
    ['flushing', operator((context) => new FlushingSink(context))],
    ['preparing', operator((context) => new Preparing(context))],
    ['build-first', operator((context) => new BuildFirst(context))],
    ['spin', operator((context) => new Spin(context))],
    ['hoard', operator((context) => new Hoard(context))],
    ['hoard-state', operator((context) => new HoardState(context), [HOARDED])],
    ['throw', operator((context) => new Throw(context))],
    ['never-closes', operator((context) => new NeverCloses(context))],
  ])
}
