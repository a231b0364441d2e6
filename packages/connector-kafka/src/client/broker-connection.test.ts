/** Frames of every size, cut anywhere, reach the buffers of those who asked. */
import assert from 'node:assert/strict'
import { createServer, type Server, type Socket } from 'node:net'
import { test } from 'node:test'
import { createNodePlatform } from '@millrace/platform/node'
import { BrokerConnection } from './broker-connection.ts'
import { parseKafkaProperties } from './kafka-properties.ts'

const { clock, filesystem } = createNodePlatform({ logger: { level: 'off' } })
const HEADER_BYTES = 8

/** The answer to a request: `size` bytes that depend on its number and their place. */
function bodyOf(number: number, size: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, i) => (number * 31 + i * 7) & 255))
}

function frameOf(correlationId: number, body: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeInt32BE(body.length + 4, 0)
  header.writeInt32BE(correlationId, 4)
  return Buffer.concat([header, body])
}

/** A server that waits for `count` requests, then lets `answer` write to the socket. */
async function serve(
  count: number,
  answer: (socket: Socket, ids: number[]) => Promise<void>,
): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    let received = Buffer.alloc(0)
    const ids: number[] = []
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      while (received.length >= 4 && received.length >= received.readInt32BE(0) + 4) {
        ids.push(received.readInt32BE(8))
        received = received.subarray(received.readInt32BE(0) + 4)
        if (ids.length === count) void answer(socket, ids)
      }
    })
  })
  server.unref()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as { port: number }).port }
}

async function open(port: number): Promise<BrokerConnection> {
  const properties = { 'bootstrap.servers': `127.0.0.1:${port}` }
  const settings = await parseKafkaProperties(properties, filesystem)
  return BrokerConnection.open(settings, clock, { host: '127.0.0.1', port })
}

const request = { apiKey: 1, version: 0, parts: [Buffer.from('body')], timeoutMs: 10_000 }

test('answers come whole, however long they are and however they are cut', async () => {
  const sizes = [0, 1, 5, 0, 16_371, 16_384, 16_385, 300_000, 3, 2_000_000, 40_000, 0]
  for (const chunkBytes of [7_919, 65_536, 1 << 30]) {
    const { server, port } = await serve(sizes.length, async (socket, ids) => {
      const all = Buffer.concat(ids.map((id, i) => frameOf(id, bodyOf(i, sizes[i] as number))))
      for (let at = 0; at < all.length; at += chunkBytes) {
        const chunk = all.subarray(at, at + chunkBytes)
        if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve))
        await new Promise((resolve) => setImmediate(resolve))
      }
    })
    const connection = await open(port)
    // A buffer that is longer than the answer, as that of a fetch may be.
    const bodies = await Promise.all(
      sizes.map((_, i) =>
        connection.request(request, (size) => Buffer.alloc(size + (i % 3) * 100)),
      ),
    )
    bodies.forEach((body, i) => {
      assert.ok(Buffer.from(body).equals(bodyOf(i, sizes[i] as number)), `answer ${i}`)
    })
    connection.close()
    server.close()
  }
})

test('a connection that is cut in the midst of an answer rejects it and those behind it', async () => {
  const { server, port } = await serve(2, async (socket, ids) => {
    socket.write(frameOf(ids[0] as number, bodyOf(0, 200_000)).subarray(0, 150_000), () =>
      socket.destroy(),
    )
  })
  const connection = await open(port)
  const answers = await Promise.allSettled([
    connection.request(request),
    connection.request(request),
  ])
  assert.deepEqual(
    answers.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  assert.equal(connection.isOpen, false)
  server.close()
})

test('a broker that refuses, or does not answer in time, is an error that says so', async () => {
  const { server, port } = await serve(1, async () => {})
  await new Promise((resolve) => server.close(resolve))
  await assert.rejects(open(port), /ECONNREFUSED/)
  const silent = { ...request, timeoutMs: 50 }
  const second = await serve(9, async () => {})
  const connection = await open(second.port)
  await assert.rejects(connection.request(silent), /did not answer a request within 50 ms/)
  second.server.close()
})
