/**
 * A gateway with the real planner over a scripted cluster, on a clock that the test moves.
 * For tests only.
 */
import { jsonFormat } from '@millrace/connector'
import { blackholeConnector, datagenConnector, printConnector } from '@millrace/connector-basic'
import { Configuration } from '@millrace/core'
import type { Clock, Platform } from '@millrace/platform'
import type { FetchResultsResponse } from '@millrace/rest-api'
import { TableEnvironment } from '@millrace/sql'
import { GatewayService } from '../gateway-service.ts'
import { ScriptedCluster } from './scripted-cluster.ts'

/** Lets everything that waits on promises go as far as it can. */
async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

class SteppedClock implements Clock {
  #nowMs = 1_000_000
  readonly #timers = new Set<{ atMs: number; action: () => void }>()

  nowMs(): number {
    return this.#nowMs
  }
  monotonicMs(): number {
    return this.#nowMs
  }
  processCpuMicros(): number {
    return 0
  }
  setImmediate(action: () => void): void {
    setImmediate(action)
  }
  setTimer(delayMs: number, action: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, action }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Timers fire in the order of their time. */
  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs
    for (;;) {
      await settle()
      const [next] = [...this.#timers]
        .filter(({ atMs }) => atMs <= untilMs)
        .sort((a, b) => a.atMs - b.atMs)
      if (next === undefined) break
      this.#timers.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.action()
    }
    this.#nowMs = untilMs
    await settle()
  }
}

export class GatewayHarness {
  readonly clock = new SteppedClock()
  readonly cluster = new ScriptedCluster()
  readonly gateway: GatewayService

  constructor(options: Readonly<Record<string, string>> = {}) {
    let drawn = 0
    this.cluster.clock = this.clock
    const configuration = new Configuration(options)
    const connectors = [datagenConnector, printConnector, blackholeConnector]
    this.gateway = new GatewayService({
      platform: {
        clock: this.clock,
        random: {
          next: () => 0.5,
          bytes: (length: number) => new Uint8Array(length).fill(++drawn),
        },
      } as unknown as Platform,
      configuration,
      cluster: this.cluster,
      createEnvironment: (properties) =>
        new TableEnvironment({
          connectors: new Map(connectors.map((connector) => [connector.name, connector])),
          formats: new Map([[jsonFormat.name, jsonFormat]]),
          configuration: configuration.withOverrides(properties),
          random: () => String(++drawn).padStart(32, '0'),
        }),
    })
  }

  async open(): Promise<string> {
    return (await this.gateway.openSession({})).sessionHandle
  }

  /** Starts the statement and lets it go as far as it can without time passing. */
  async start(session: string, statement: string): Promise<string> {
    const { operationHandle } = await this.gateway.execute(session, { statement })
    await settle()
    return operationHandle
  }

  /** All pages of a statement that ends by itself. */
  async run(session: string, statement: string): Promise<FetchResultsResponse[]> {
    const operation = await this.start(session, statement)
    const pages: FetchResultsResponse[] = []
    for (let token = 0; ; ) {
      const page = await this.gateway.fetchResults(session, operation, token, 0)
      pages.push(page)
      if (page.resultType === 'EOS') return pages
      if (page.resultType === 'NOT_READY') await this.clock.advance(10)
      else token++
    }
  }
}
