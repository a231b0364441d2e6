/** One slot in the test's own thread: its messages are recorded, its operator events answered. */
import { Configuration } from '@millrace/core'
import { networkSettingsOf } from '@millrace/network'
import type { MessageEndpoint } from '@millrace/platform'
import type { TaskDeployment, TaskState } from '@millrace/protocol'
import { LIVENESS_BYTES } from '../executor/slot-liveness.ts'
import { runSlot } from '../slot/run-slot.ts'
import type { FromSlot, SlotMetrics, ToSlot } from '../slot/slot-messages.ts'
import { type Place, testPlatform, until } from './test-cluster.ts'
import { releaseStubborn, testRegistry } from './test-operators.ts'

export class TestSlot {
  readonly log: FromSlot[] = []
  #toSlot: (message: unknown) => void = () => {}
  #requests = 0
  dataAddress = ''

  static async start(configuration: Record<string, string> = {}): Promise<TestSlot> {
    const slot = new TestSlot()
    const endpoint: MessageEndpoint = {
      post: (message) => slot.#receive(message as FromSlot),
      onMessage: (handler) => {
        slot.#toSlot = handler
      },
    }
    runSlot(testPlatform(), endpoint, testRegistry)
    slot.send({
      kind: 'start',
      taskManagerId: 'tm-test',
      slotIndex: 0,
      configuration,
      dataBindAddress: '127.0.0.1:0',
      dataHost: '127.0.0.1',
      network: networkSettingsOf(new Configuration({}), 256 * 1024 * 1024, 1),
      totalMaxBytes: 1024 * 1024 * 1024,
      liveness: new SharedArrayBuffer(LIVENESS_BYTES),
    })
    await until(() => slot.dataAddress !== '')
    return slot
  }

  get place(): Place {
    return {
      taskManagerId: 'tm-test',
      slotIndex: 0,
      dataAddress: this.dataAddress,
      allocationId: 'allocation',
    }
  }

  send(message: ToSlot): void {
    this.#toSlot(message)
  }

  received<K extends FromSlot['kind']>(kind: K): (FromSlot & { kind: K })[] {
    return this.log.filter((each): each is FromSlot & { kind: K } => each.kind === kind)
  }

  stateOf(attemptId: string): TaskState | undefined {
    return this.received('state').findLast((each) => each.attemptId === attemptId)?.state
  }

  async deploy(deployments: readonly TaskDeployment[]): Promise<void> {
    this.send({ kind: 'deploy', deployments, leaderEpoch: 1 })
  }

  /** Deploys, and waits until all are RUNNING. */
  async run(deployments: readonly TaskDeployment[]): Promise<void> {
    await this.deploy(deployments)
    const running = (): boolean =>
      deployments.every(({ attemptId }) => this.stateOf(attemptId) === 'RUNNING')
    await until(running, () => this.log)
  }

  async metrics(): Promise<SlotMetrics> {
    const requestId = ++this.#requests
    this.send({ kind: 'collect-metrics', requestId })
    const answered = (): boolean =>
      this.received('metrics').some((each) => each.requestId === requestId)
    await until(answered)
    return this.received('metrics').at(-1)!.metrics
  }

  async close(): Promise<void> {
    this.send({ kind: 'stop' })
    releaseStubborn()
    await until(() => this.received('stopped').length > 0)
  }

  #receive(message: FromSlot): void {
    this.log.push(message)
    if (message.kind === 'started') this.dataAddress = message.dataAddress
    if (message.kind === 'operator-event') {
      const { requestId } = message
      queueMicrotask(() => this.send({ kind: 'answer', requestId, answer: { ok: true } }))
    }
  }
}
