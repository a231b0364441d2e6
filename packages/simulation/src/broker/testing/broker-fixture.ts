/** A world with a broker and a client's process, for this folder's tests. */
import type { KafkaClient } from '@millrace/connector-kafka'
import { parseKafkaProperties } from '@millrace/connector-kafka/protocol'
import type { Filesystem } from '@millrace/platform'
import { SimulatedNetwork } from '../../platform/network/simulated-network.ts'
import { simulatedClock } from '../../platform/simulated-clock.ts'
import type { SimulatedProcess } from '../../world/simulated-process.ts'
import { SimulatedWorld } from '../../world/simulated-world.ts'
import { SimulatedBroker, type SimulatedBrokerSettings } from '../simulated-broker.ts'

const RUN_MS_MAX = 600_000

/** No property of these tests names a file. */
const noFiles = {} as Filesystem

export class BrokerFixture {
  readonly world: SimulatedWorld
  readonly network: SimulatedNetwork
  readonly broker: SimulatedBroker
  readonly process: SimulatedProcess

  constructor(seed: number, settings: Partial<SimulatedBrokerSettings> = {}) {
    this.world = new SimulatedWorld(seed)
    this.network = new SimulatedNetwork(this.world)
    this.broker = new SimulatedBroker({ world: this.world, network: this.network, ...settings })
    this.process = this.world.process('client', 'client')
  }

  async connect(
    properties: Readonly<Record<string, string>> = {},
    process: SimulatedProcess = this.process,
  ): Promise<KafkaClient> {
    const all = { 'bootstrap.servers': this.broker.bootstrapServers, ...properties }
    const settings = await parseKafkaProperties(all, noFiles)
    return this.broker.clientFactory(process)(settings, { clock: simulatedClock(process) })
  }

  /** Makes time pass until `body` is at its end. */
  async run<T>(body: () => Promise<T>): Promise<T> {
    let end: { readonly value?: T; readonly error?: unknown } | null = null
    body().then(
      (value) => (end = { value }),
      (error) => (end = { error }),
    )
    const reached = await this.world.run(this.world.nowMs + RUN_MS_MAX, () => end !== null)
    if (reached !== 'reached') throw new Error(`The run ended before its body: ${reached}.`)
    const settled = end as unknown as { readonly value?: T; readonly error?: unknown }
    if ('error' in settled) throw settled.error
    return settled.value as T
  }

  /** Lets simulated time pass. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.world.nowMs + ms
    let over = false
    this.world.after(ms, () => {
      over = true
    })
    await this.world.run(untilMs, () => over)
  }
}
