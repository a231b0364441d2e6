/** Both data transports against their contract, and TCP against peers that misbehave. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, connect as openSocket, type Socket } from 'node:net'
import { test } from 'node:test'
import { testDataConnections } from '../../testing/data-transport-contract.ts'
import type { DataConnection } from '../../transport.ts'
import { createNodePlatform } from '../index.ts'

const platform = createNodePlatform({
  threadEntries: { test: new URL('../testing/test-thread.ts', import.meta.url) },
})
const { clock, data } = platform

testDataConnections('TCP', async () => {
  const accepted: ((connection: DataConnection) => void)[] = []
  const server = await data.serve('127.0.0.1:0', (connection) => accepted.shift()?.(connection))
  return {
    clock,
    async connectPair() {
      const serverSide = new Promise<DataConnection>((resolve) => accepted.push(resolve))
      return [await data.connect(server.address), await serverSide]
    },
    async connectToVictim() {
      const entry = new URL('../testing/echo-process.ts', import.meta.url).pathname
      const child = spawn(process.execPath, [entry], { stdio: ['ignore', 'pipe', 'inherit'] })
      const [line] = (await once(child.stdout, 'data')) as [Buffer]
      return {
        connection: await data.connect(line.toString().trim()),
        async kill() {
          const ended = once(child, 'exit')
          child.kill('SIGKILL')
          await ended
        },
      }
    },
    dispose: () => server.close(),
  }
})

testDataConnections('message ports', async () => ({
  clock,
  async connectPair() {
    const [left, right] = data.createPortPair()
    return [data.overPort(left), data.overPort(right)]
  },
  async connectToVictim() {
    const limits = { name: 'victim', heapMaxBytes: 2 ** 26, youngGenerationMaxBytes: 2 ** 23 }
    const thread = platform.threads.spawn('test', null, limits)
    const [own, other] = data.createPortPair()
    thread.post({ action: 'echo-port', value: other }, [other])
    return { connection: data.overPort(own), kill: () => thread.terminate() }
  },
  async dispose() {},
}))

/** A server on a bare socket, to send what no well-behaved peer would. */
async function rawPeer(
  onSocket: (socket: Socket) => void,
): Promise<{ address: string; close(): void }> {
  const server = createServer({ noDelay: true }, onSocket)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as { port: number }
  return { address: `127.0.0.1:${port}`, close: () => void server.close() }
}

function closeOf(connection: DataConnection): Promise<(Error & { code?: string }) | null> {
  return new Promise((resolve) => connection.onClose(resolve))
}

test('a stream that ends without a goodbye, even between two frames, is a lost connection', async () => {
  const peer = await rawPeer((socket) => socket.end(Buffer.from([2, 0, 0, 0, 7, 8])))
  const connection = await data.connect(peer.address)
  const frames: number[][] = []
  connection.onFrame((frame) => frames.push([...frame]))
  const error = await closeOf(connection)
  assert.deepEqual(frames, [[7, 8]])
  assert.equal(error?.code, 'DATA_CONNECTION_LOST')
  peer.close()
})

test('a peer that speaks another protocol is cut off with an error that names the size', async () => {
  const peer = await rawPeer((socket) => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')
  })
  const connection = await data.connect(peer.address)
  connection.onFrame(() => assert.fail('no frame'))
  const error = await closeOf(connection)
  assert.equal(error?.code, 'DATA_FRAME_TOO_LARGE')
  assert.match(error?.message ?? '', /1347703880 bytes/)
  peer.close()
})

test('frames that arrive before anyone listens wait', async () => {
  const peer = await rawPeer((socket) => {
    socket.on('error', () => {})
    socket.resume()
    socket.write(Buffer.from([1, 0, 0, 0, 5]))
  })
  const connection = await data.connect(peer.address)
  await new Promise((resolve) => setTimeout(resolve, 30))
  const frame = await new Promise((resolve) => connection.onFrame((bytes) => resolve([...bytes])))
  assert.deepEqual(frame, [5])
  connection.close()
  peer.close()
})

test('connecting to nobody is refused by name', async () => {
  const peer = await rawPeer(() => {})
  peer.close()
  await assert.rejects(data.connect(peer.address), {
    code: 'DATA_CONNECTION_REFUSED',
    retry: 'backoff',
  })
  await assert.rejects(async () => data.connect('nowhere'), { code: 'ADDRESS_INVALID' })
})

test('an address in use is refused by name', async () => {
  const server = await data.serve('127.0.0.1:0', () => {})
  await assert.rejects(
    data.serve(server.address, () => {}),
    { code: 'ADDRESS_UNUSABLE' },
  )
  await server.close()
})

test('a closing server says goodbye to its connections and accepts no more', async () => {
  const server = await data.serve('127.0.0.1:0', () => {})
  const connection = await data.connect(server.address)
  connection.onFrame(() => {})
  const closed = closeOf(connection)
  await server.close()
  assert.equal(await closed, null)
  await assert.rejects(data.connect(server.address), { code: 'DATA_CONNECTION_REFUSED' })
})

test('a client that vanishes from a server is reported there', async () => {
  const seen = Promise.withResolvers<Error | null>()
  const server = await data.serve('127.0.0.1:0', (connection) => {
    connection.onFrame(() => {})
    connection.onClose(seen.resolve)
  })
  const socket = openSocket(Number(server.address.split(':')[1]), '127.0.0.1')
  await once(socket, 'connect')
  socket.resetAndDestroy()
  assert.equal(((await seen.promise) as { code?: string } | null)?.code, 'DATA_CONNECTION_LOST')
  await server.close()
})
