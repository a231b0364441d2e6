/** A steady load of sensor readings into Kafka, and the closing readings that let every window fire. */
import type { Producer } from 'kafkajs'
import { openProducer, produce } from '../support/kafka-topics.ts'
import type { Reading } from '../support/sensor-oracle.ts'

const PARTITIONS = 3
const SENSORS = 30
const READING_STEP_MS = 30
const DISORDER_MS_MAX = 8000
const TICK_MS = 100
/** Their windows never fire: they only move the watermark. */
export const CLOSING_SENSOR = 'closing'

export class SteadyLoad {
  readonly #producer: Producer
  readonly #topic: string
  readonly #startMs: number
  readonly #perTick: number
  #count = 0
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> = Promise.resolve()

  private constructor(producer: Producer, topic: string, readingsPerSecond: number) {
    this.#producer = producer
    this.#topic = topic
    this.#startMs = Date.UTC(2026, 10, 22, 10, 0, 0)
    this.#perTick = Math.max(1, Math.round((readingsPerSecond * TICK_MS) / 1000))
  }

  static async start(
    bootstrapServers: string,
    topic: string,
    readingsPerSecond: number,
  ): Promise<SteadyLoad> {
    const load = new SteadyLoad(await openProducer(bootstrapServers), topic, readingsPerSecond)
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
      const timeMs =
        this.#startMs + n * READING_STEP_MS - Math.floor(Math.random() * DISORDER_MS_MAX)
      const reading: Reading = {
        sensor_id: `sensor-${n % SENSORS}`,
        temperature: Math.round(Math.random() * 400) / 10,
        humidity: Math.round(Math.random() * 1000) / 10,
        event_time: new Date(timeMs).toISOString().slice(0, 23),
      }
      return { partition: n % PARTITIONS, value: JSON.stringify(reading) }
    })
    await produce(this.#producer, this.#topic, messages)
  }

  /** Ends the load and sends a reading far in the future into every partition. */
  async finish(): Promise<void> {
    clearInterval(this.#timer)
    await this.#sending
    const farMs = this.#startMs + this.#count * READING_STEP_MS + 3_600_000
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
