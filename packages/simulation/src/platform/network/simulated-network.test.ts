/** The simulated network keeps what the real transports promise, and breaks only what may break. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isMillraceError } from '@millrace/core'
import type { Clock, DataConnection } from '@millrace/platform'
import { testDataConnections } from '@millrace/platform/contract'
import type { SimulatedProcess } from '../../world/simulated-process.ts'
import { SimulatedWorld } from '../../world/simulated-world.ts'
import { simulatedClock } from '../simulated-clock.ts'
import { SimulatedDataTransport } from './simulated-data.ts'
import { SimulatedNetwork } from './simulated-network.ts'
import { SimulatedRpcTransport } from './simulated-rpc.ts'

/** A world that runs by itself while a test waits on a process's clock. */
function livingWorld() {
  const world = new SimulatedWorld(7)
  let stopped = false
  let last = -1
  void (async () => {
    while (!stopped) {
      await world.run(world.nowMs + 50, () => stopped)
      if (world.events === last) await new Promise((resolve) => setImmediate(resolve))
      last = world.events
    }
  })()
  return { world, stop: () => void (stopped = true) }
}

type Pair = readonly [DataConnection, DataConnection]

function connect(from: SimulatedDataTransport, to: SimulatedDataTransport, address: string) {
  return new Promise<Pair>((resolve, reject) => {
    let client: DataConnection | null = null
    to.serve(`${address}:0`, (server) => {
      const wait = (): void => {
        if (client === null) setImmediate(wait)
        else resolve([client, server])
      }
      wait()
    })
      .then((server) => from.connect(server.address))
      .then((connection) => {
        client = connection
      }, reject)
  })
}

for (const kind of ['hosts', 'threads'] as const) {
  testDataConnections(`the simulated network between ${kind}`, async () => {
    const { world, stop } = livingWorld()
    const network = new SimulatedNetwork(world)
    const one = world.process('one', 'a')
    const left = new SimulatedDataTransport(network, one)
    const make = (name: string): SimulatedProcess =>
      kind === 'hosts' ? world.process(name, 'b') : world.process(name, 'a', one)
    const pairWith = async (process: SimulatedProcess): Promise<Pair> => {
      const right = new SimulatedDataTransport(network, process)
      if (kind === 'hosts') return connect(left, right, 'b')
      const [a, b] = left.createPortPair()
      return [left.overPort(a), right.overPort(b)]
    }
    return {
      clock: simulatedClock(one) as Clock,
      connectPair: () => pairWith(make('two')),
      connectToVictim: async () => {
        const victim = make('victim')
        const [connection, echo] = await pairWith(victim)
        echo.onFrame((frame) => echo.send([frame]))
        return { connection, kill: async () => victim.kill() }
      },
      dispose: async () => stop(),
    }
  })
}

describe('simulated calls', () => {
  async function served() {
    const world = new SimulatedWorld(1)
    const network = new SimulatedNetwork(world)
    const server = world.process('server', 's')
    const client = world.process('client', 'c')
    const executed: string[] = []
    const handlers = new Map([
      [
        '/echo',
        async (bytes: Uint8Array) => {
          executed.push(`${bytes}`)
          return bytes
        },
      ],
    ])
    await new SimulatedRpcTransport(network, server).serve('s:1', handlers)
    const channel = new SimulatedRpcTransport(network, client).connect('s:1')
    const outcomes: string[] = []
    const call = (byte: number, deadlineMs = 100): void => {
      channel.call('/echo', new Uint8Array([byte]), { deadlineMs }).then(
        (bytes) => outcomes.push(`${bytes}`),
        (error) => outcomes.push(isMillraceError(error) ? error.code : String(error)),
      )
    }
    return { world, network, server, channel, executed, outcomes, call }
  }

  test('answers come in order, by number', async () => {
    const { world, outcomes, call } = await served()
    for (let i = 0; i < 5; i++) call(i)
    await world.run(1000, () => outcomes.length === 5)
    assert.deepEqual(outcomes, ['0', '1', '2', '3', '4'])
  })

  test('a cut route lets the caller give up; the call is carried out when it heals', async () => {
    const { world, network, executed, outcomes, call } = await served()
    call(1)
    await world.run(1000, () => outcomes.length === 1)
    network.cut('c', 's')
    call(2)
    await world.run(world.nowMs + 500, () => outcomes.length === 2)
    assert.deepEqual([outcomes, executed], [['1', 'RPC_DEADLINE'], ['1']])
    network.heal('c', 's')
    await world.run(world.nowMs + 500, () => executed.length === 2)
    assert.deepEqual(executed, ['1', '2'])
  })

  test('a cut way back loses the answer, not the call', async () => {
    const { world, network, executed, outcomes, call } = await served()
    call(1)
    await world.run(1000, () => outcomes.length === 1)
    network.cut('s', 'c')
    call(2)
    await world.run(world.nowMs + 500, () => outcomes.length === 2)
    assert.deepEqual(
      [outcomes, executed],
      [
        ['1', 'RPC_DEADLINE'],
        ['1', '2'],
      ],
    )
  })

  test('a killed server ends calls and tells that the connection is lost', async () => {
    const { world, server, channel, outcomes, call } = await served()
    let lost = 0
    channel.onDisconnect(() => lost++)
    call(1)
    await world.run(1000, () => outcomes.length === 1)
    server.kill()
    call(2)
    await world.run(world.nowMs + 500, () => outcomes.length === 2)
    assert.deepEqual([outcomes, lost], [['1', 'RPC_UNAVAILABLE'], 1])
    call(3)
    await world.run(world.nowMs + 500, () => outcomes.length === 3)
    assert.equal(outcomes[2], 'RPC_UNAVAILABLE')
  })

  test('a paused server answers after it is resumed, in order', async () => {
    const { world, server, executed, outcomes, call } = await served()
    server.pause()
    call(1, 10)
    call(2, 10_000)
    await world.run(1000, () => outcomes.length === 1)
    assert.deepEqual([outcomes, executed], [['RPC_DEADLINE'], []])
    server.resume()
    await world.run(2000, () => outcomes.length === 2)
    assert.deepEqual(
      [outcomes, executed],
      [
        ['RPC_DEADLINE', '2'],
        ['1', '2'],
      ],
    )
  })
})
