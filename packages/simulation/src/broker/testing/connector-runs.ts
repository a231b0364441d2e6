/**
 * The shipped Kafka sink and source in simulated processes, one attempt after another, without a
 * cluster of Millrace.
 *
 * Stands in for what the JobManager does around them: a checkpoint is kept, a failed or killed
 * attempt is followed by one that is restored from it. What they lose or double shows in the
 * numbers that they write and read.
 */
import type { SinkWriter, SourceReader, SourceSplit } from '@millrace/connector'
import { ContextRecord, readerContext, writerContext } from '@millrace/connector/contract'
import { createKafkaConnector } from '@millrace/connector-kafka'
import { batchOf, linesOf, RAW_SCHEMA, rawFormat } from '@millrace/connector-kafka/testing'
import type { Platform } from '@millrace/platform'
import { simulatedClock } from '../../platform/simulated-clock.ts'
import { simulatedLogger } from '../../platform/simulated-logger.ts'
import { delay } from '../../world/scheduler.ts'
import type { SimulatedProcess } from '../../world/simulated-process.ts'
import type { BrokerFixture } from './broker-fixture.ts'

const schema = RAW_SCHEMA
/** Slow enough that a run lasts as long as its faults. */
const BATCH_INTERVAL_MS = 40
/** Short enough that a blocked attempt gives up within a run. */
const PATIENCE = {
  'properties.request.timeout.ms': '3000',
  'properties.default.api.timeout.ms': '8000',
}

const CLAIMED = {
  'sink.delivery-guarantee': 'exactly-once',
  'sink.transactional-id-prefix': 'sink',
}

function setUp(
  fixture: BrokerFixture,
  process: SimulatedProcess,
  topic: string,
  claims: Readonly<Record<string, string>> = CLAIMED,
) {
  const platform = {
    clock: simulatedClock(process),
    random: fixture.world.random.split(process.name),
    filesystem: {},
    logger: simulatedLogger(process, 'error'),
  } as unknown as Platform
  const table = {
    tableName: 't',
    schema,
    formats: new Map([['raw', rawFormat]]),
    options: {
      ...{ topic, format: 'raw', ...PATIENCE },
      'properties.bootstrap.servers': fixture.broker.bootstrapServers,
      'properties.isolation.level': 'read_committed',
      'scan.startup.mode': 'earliest-offset',
      ...claims,
      'sink.partitioner': 'round-robin',
    },
  }
  const connector = createKafkaConnector(fixture.broker.clientFactory(process))
  return { platform, table, connector, formats: table.formats }
}

interface SinkCheckpoint {
  readonly checkpointId: number
  readonly states: readonly Uint8Array[]
  readonly committables: readonly Uint8Array[]
  /** Numbers below are in it. */
  readonly next: number
}

/** Writes the numbers from 0 on, some in each checkpoint, until `goal`. */
export class SinkRun {
  readonly #fixture: BrokerFixture
  readonly #topic: string
  readonly #goal: number
  readonly #name: string
  readonly #jobId: string | null
  #checkpoint: SinkCheckpoint | null = null
  #lives = 0
  #process: SimulatedProcess | null = null
  failures = 0
  /** The last checkpoint is committed and holds everything. */
  done = false

  /** `jobId`: of a job whose prefix is its own; null: one that claims a prefix by name. */
  constructor(fixture: BrokerFixture, topic: string, goal: number, jobId: string | null = null) {
    this.#fixture = fixture
    this.#topic = topic
    this.#goal = goal
    this.#jobId = jobId
    this.#name = jobId === null ? 'sink' : `sink-of-${jobId}`
  }

  /** Begins the next attempt; the last one is killed, or, as a zombie, left to itself. */
  restart(zombie = false): void {
    if (!zombie) this.#process?.kill()
    const life = ++this.#lives
    const name = this.#name
    const process = this.#fixture.world.process(`${name}#${life}`, `${name}-${life}`)
    this.#process = process
    process.deliver(() => {
      this.#attempt(process).catch((error) => this.#failed(process, error))
    })
  }

  #failed(process: SimulatedProcess, error: unknown): void {
    if (process !== this.#process) return
    this.failures++
    const { world } = this.#fixture
    world.log.add(world.nowMs, process.name, 'attempt failed', String(error))
    this.#fixture.world.after(50, () => process === this.#process && this.restart())
  }

  async #attempt(process: SimulatedProcess): Promise<void> {
    const claims = this.#jobId === null ? CLAIMED : {}
    const setting = setUp(this.#fixture, process, this.#topic, claims)
    const { platform, table, connector, formats } = setting
    const record = new ContextRecord()
    const base = writerContext({ platform, schema }, record)
    const jobId = this.#jobId ?? base.subtask.jobId
    const subtask = { ...base.subtask, jobId, attempt: this.#lives - 1 }
    const context = { ...base, subtask, formats }
    const writer = connector.sink?.createWriter(connector.sink.plan(table).config, context)
    if (writer === undefined) throw new Error('the connector has no sink')
    try {
      await this.#write(process, writer, record)
    } finally {
      await writer.close()
    }
    this.done = true
  }

  /** Until the goal is committed; throws when the attempt fails or was replaced. */
  async #write(
    process: SimulatedProcess,
    writer: SinkWriter,
    record: ContextRecord,
  ): Promise<void> {
    await writer.open(this.#checkpoint)
    let next = this.#checkpoint?.next ?? 0
    let checkpointId = (this.#checkpoint?.checkpointId ?? 0) + 1
    const write = async (batches: number) => {
      for (let i = 0; i < batches && next < this.#goal; i++) {
        writer.write(batchOf([next, next + 1, next + 2].map(String)))
        next += 3
        await delay(process, BATCH_INTERVAL_MS)
      }
    }
    for (; ; checkpointId++) {
      await write(4)
      const committables = await writer.prepareCommit(checkpointId)
      const states = writer.snapshotState(checkpointId)
      const checkpoint = { checkpointId, states, committables, next }
      // Rows go on behind the barrier while the others acknowledge.
      await write(2)
      if (record.errors.length > 0) throw record.errors[0]
      // A checkpoint of an attempt that was replaced completes no more.
      if (process !== this.#process) throw new Error('replaced')
      this.#checkpoint = checkpoint
      await delay(process, 5)
      if (process !== this.#process) throw new Error('replaced')
      await writer.commit(committables)
      await writer.removeStrays?.()
      if (checkpoint.next >= this.#goal && process === this.#process) return
    }
  }
}

/** Reads a topic, each partition from where the last snapshot was. */
export class SourceRun {
  readonly #fixture: BrokerFixture
  readonly #topic: string
  #splits: readonly SourceSplit[]
  #lives = 0
  #process: SimulatedProcess | null = null
  failures = 0
  /** By split. */
  readonly lines = new Map<string, string[]>()

  constructor(fixture: BrokerFixture, topic: string, partitions: number) {
    this.#fixture = fixture
    this.#topic = topic
    this.#splits = Array.from({ length: partitions }, (_, partition) => ({
      id: `${topic}-${partition}`,
      description: `topic ${topic}, partition ${partition}`,
      position: { topic, partition, offset: 0, stoppingOffset: null },
    }))
  }

  get count(): number {
    return [...this.lines.values()].reduce((sum, lines) => sum + lines.length, 0)
  }

  restart(): void {
    this.#process?.kill()
    const process = this.#fixture.world.process(`source#${++this.#lives}`, 'source')
    this.#process = process
    process.deliver(() => {
      this.#attempt(process).catch((error) => {
        this.failures++
        const { world } = this.#fixture
        world.log.add(world.nowMs, process.name, 'attempt failed', String(error))
        world.after(50, () => process === this.#process && this.restart())
      })
    })
  }

  async #attempt(process: SimulatedProcess): Promise<void> {
    const { platform, table, connector, formats } = setUp(this.#fixture, process, this.#topic)
    const record = new ContextRecord()
    const context = { ...readerContext({ platform, schema }, record), formats }
    const config = connector.source?.plan(table).config
    const reader = connector.source?.createReader(config, context) as SourceReader
    await reader.start()
    reader.addSplits(this.#splits)
    for (;;) {
      if (record.errors.length > 0) throw record.errors[0]
      const polled = reader.poll({
        emit: (splitId, batch) => {
          const lines = this.lines.get(splitId) ?? []
          lines.push(...linesOf(batch))
          this.lines.set(splitId, lines)
        },
        splitCaughtUpEmpty: () => {},
        splitFinished: () => {},
      })
      // Rows and position move together, as in a checkpoint.
      if (polled === 'more') this.#splits = reader.snapshot(1)
      else await delay(process, 5)
    }
  }
}
