/**
 * A steady load of sensor readings into Kafka, and the closing readings that let every window fire.
 *
 * Event time runs faster than the clock, so that windows end all the time. The broker may go away:
 * the load waits and then sends what was due. A batch may be sent twice then, which the oracle,
 * that reads the topic, counts as the job does.
 */
import type { Producer } from 'kafkajs'
import { openPatientProducer, produce } from '../support/kafka-topics.ts'
import type { Reading } from '../support/sensor-oracle.ts'

const PARTITIONS = 3
const SENSORS = 30
const READING_STEP_MS = 30
const WATERMARK_DELAY_MS = 10_000
const DISORDER_MS_MAX = 8000
const TICK_MS = 100
/**
 * The first batch reaches one partition a moment before another: without this, the one that is
 * still empty would hold nothing back for longer than a second, its first readings might be late,
 * and the oracle knows no late readings.
 */
export const EVERY_PARTITION_COUNTS = {
  'table.exec.source.empty-split-holds-watermark': 'true',
} as const
/** Their windows never fire: they only move the watermark. */
export const CLOSING_SENSOR = 'closing'

export class SteadyLoad {
  readonly #producer: Producer
  readonly #topic: string
  readonly #startMs: number
  readonly #perTick: number
  readonly #stepMs: number
  /** Of each batch that was sent: the event time that it had reached, and when that was. */
  readonly #sent: { readonly eventMs: number; readonly atMs: number }[] = []
  #count = 0
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> = Promise.resolve()

  private constructor(
    producer: Producer,
    topic: string,
    readingsPerSecond: number,
    stepMs: number,
  ) {
    this.#producer = producer
    this.#topic = topic
    this.#stepMs = stepMs
    this.#startMs = Date.UTC(2026, 10, 22, 10, 0, 0)
    this.#perTick = Math.max(1, Math.round((readingsPerSecond * TICK_MS) / 1000))
  }

  static async start(
    bootstrapServers: string,
    topic: string,
    readingsPerSecond: number,
    stepMs = READING_STEP_MS,
  ): Promise<SteadyLoad> {
    const producer = await openPatientProducer(bootstrapServers)
    const load = new SteadyLoad(producer, topic, readingsPerSecond, stepMs)
    load.#timer = setInterval(() => {
      load.#sending = load.#sending.then(() => load.#tick())
    }, TICK_MS)
    return load
  }

  get count(): number {
    return this.#count
  }

  async #tick(): Promise<void> {
    const messages = Array.from({ length: this.#perTick }, () => {
      const n = this.#count++
      const timeMs = this.#startMs + n * this.#stepMs - Math.floor(Math.random() * DISORDER_MS_MAX)
      const reading: Reading = {
        sensor_id: `sensor-${n % SENSORS}`,
        temperature: Math.round(Math.random() * 400) / 10,
        humidity: Math.round(Math.random() * 1000) / 10,
        event_time: new Date(timeMs).toISOString().slice(0, 23),
      }
      return { partition: n % PARTITIONS, value: JSON.stringify(reading) }
    })
    await produce(this.#producer, this.#topic, messages)
    this.#sent.push({ eventMs: this.#startMs + this.#count * this.#stepMs, atMs: Date.now() })
  }

  /** Milliseconds from when the readings that let a window fire were in the topic until `atMs`. */
  lagOf(windowEndMs: number, atMs: number): number {
    let [low, high] = [0, this.#sent.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const { eventMs } = this.#sent[middle] as { eventMs: number }
      if (eventMs >= windowEndMs + WATERMARK_DELAY_MS) high = middle
      else low = middle + 1
    }
    return Math.max(0, atMs - (this.#sent[low]?.atMs ?? atMs))
  }

  /** No further readings; what is under way may be left unsent. */
  stop(): void {
    clearInterval(this.#timer)
  }

  /** Ends the load and sends a reading far in the future into every partition. */
  async finish(): Promise<void> {
    clearInterval(this.#timer)
    await this.#sending
    const farMs = this.#startMs + this.#count * this.#stepMs + 3_600_000
    const closing = {
      sensor_id: CLOSING_SENSOR,
      temperature: 0,
      humidity: 0,
      event_time: new Date(farMs).toISOString().slice(0, 23),
    }
    const messages = Array.from({ length: PARTITIONS }, (_, partition) => ({
      partition,
      value: JSON.stringify(closing),
    }))
    await produce(this.#producer, this.#topic, messages)
    await this.#producer.disconnect()
  }
}
