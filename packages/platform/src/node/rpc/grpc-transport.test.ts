/** Calls over real sockets: errors across the border, deadlines, killed servers, reconnecting. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { defineErrors, isMillraceError, type MillraceError } from '@millrace/core'
import type { RpcChannel, RpcHandler, RpcServer } from '../../transport.ts'
import { createNodePlatform } from '../index.ts'

const { rpc } = createNodePlatform()
const { error } = defineErrors({
  TEST_REFUSED: { domain: 'user', retry: 'never', description: 'A test’s error.' },
})
const DEADLINE = { deadlineMs: 30_000 }
/** Nothing waits so long unless it is stuck. */
const NEVER = { deadlineMs: 60_000 }

let server: RpcServer
let channel: RpcChannel

const failing: RpcHandler = async () => {
  const cause = error('TEST_REFUSED', 'The cause.', { location: { file: 'a.json', line: 3 } })
  throw error('TEST_REFUSED', 'Choose another — 不', { hint: 'Try b.', cause })
}

before(async () => {
  server = await rpc.serve(
    '127.0.0.1:0',
    new Map<string, RpcHandler>([
      ['/test.Echo/Echo', async (request) => request],
      ['/test.Echo/Fail', failing],
      [
        '/test.Echo/FailLarge',
        async () => {
          throw error('TEST_REFUSED', 'x'.repeat(500_000), { hint: 'Try less.' })
        },
      ],
      [
        '/test.Echo/Crash',
        async () => {
          throw new TypeError('a bug')
        },
      ],
      [
        '/test.Echo/Throw',
        () => {
          throw new Error('thrown at once')
        },
      ],
      ['/test.Echo/Hang', () => new Promise(() => {})],
    ]),
  )
  channel = rpc.connect(server.address)
})

after(async () => {
  channel.close()
  await server.close()
})

const caught = (call: Promise<unknown>): Promise<MillraceError> =>
  call.then(
    () => assert.fail('The call was answered.'),
    (thrown) => thrown as MillraceError,
  )

test('requests and answers are bytes, empty ones and megabytes alike', async () => {
  for (const length of [0, 1, 20_000_000]) {
    const request = new Uint8Array(length).fill(length & 0xff)
    const answer = await channel.call('/test.Echo/Echo', request, DEADLINE)
    assert.equal(Buffer.compare(answer, request), 0)
    assert.ok(!Buffer.isBuffer(answer))
  }
})

test('an error of the server arrives with code, message, hint, location and cause', async () => {
  const thrown = await caught(channel.call('/test.Echo/Fail', new Uint8Array(0), DEADLINE))
  assert.ok(isMillraceError(thrown, 'TEST_REFUSED'))
  assert.equal(thrown.message, 'Choose another — 不')
  assert.equal(thrown.hint, 'Try b.')
  assert.equal(thrown.domain, 'user')
  assert.equal(thrown.retry, 'never')
  const cause = thrown.cause as MillraceError
  assert.equal(cause.message, 'The cause.')
  assert.deepEqual(cause.location, { file: 'a.json', line: 3 })
})

test('an error too large for a header is cut, but keeps code and hint', async () => {
  const thrown = await caught(channel.call('/test.Echo/FailLarge', new Uint8Array(0), DEADLINE))
  assert.equal(thrown.code, 'TEST_REFUSED')
  assert.equal(thrown.hint, 'Try less.')
  assert.match(thrown.message, /^x{2000}…$/)
})

test('an unforeseen exception arrives as INTERNAL_ERROR with its message', async () => {
  const thrown = await caught(channel.call('/test.Echo/Crash', new Uint8Array(0), DEADLINE))
  assert.equal(thrown.code, 'INTERNAL_ERROR')
  assert.equal(thrown.message, 'a bug')
})

test('a handler that throws at once answers with its error, too', async () => {
  const thrown = await caught(channel.call('/test.Echo/Throw', new Uint8Array(0), DEADLINE))
  assert.equal(thrown.message, 'thrown at once')
})

test('no answer in time is RPC_DEADLINE; an unknown method is RPC_METHOD_UNKNOWN', async () => {
  const late = await caught(channel.call('/test.Echo/Hang', new Uint8Array(0), { deadlineMs: 100 }))
  assert.equal(late.code, 'RPC_DEADLINE')
  assert.match(late.message, /Hang within 100 ms/)
  const unknown = await caught(channel.call('/test.Echo/None', new Uint8Array(0), DEADLINE))
  assert.equal(unknown.code, 'RPC_METHOD_UNKNOWN')
})

test('a message beyond the limit is refused by name', async () => {
  const small = createNodePlatform({ rpc: { messageMaxBytes: 1000 } }).rpc.connect(server.address)
  const thrown = await caught(small.call('/test.Echo/Echo', new Uint8Array(2000), DEADLINE))
  assert.equal(thrown.code, 'RPC_MESSAGE_TOO_LARGE')
  small.close()
})

test('a closed channel, and an address that nobody serves, are RPC_UNAVAILABLE at once', async () => {
  const gone = await rpc.serve('127.0.0.1:0', new Map())
  await gone.close()
  const nobody = rpc.connect(gone.address)
  // Not RPC_DEADLINE: it does not wait for that.
  const refused = await caught(nobody.call('/test.Echo/Echo', new Uint8Array(0), NEVER))
  assert.equal(refused.code, 'RPC_UNAVAILABLE')
  nobody.close()
  const closed = await caught(nobody.call('/test.Echo/Echo', new Uint8Array(0), DEADLINE))
  assert.equal(closed.code, 'RPC_UNAVAILABLE')
})

test('a port in use is ADDRESS_UNUSABLE; nonsense is ADDRESS_INVALID', async () => {
  await assert.rejects(rpc.serve(server.address, new Map()), { code: 'ADDRESS_UNUSABLE' })
  await assert.rejects(rpc.serve('127.0.0.1', new Map()), { code: 'ADDRESS_INVALID' })
  assert.throws(() => rpc.connect('127.0.0.1:99999'), { code: 'ADDRESS_INVALID' })
})

test('a server closes within its bound although a call hangs', async () => {
  const own = createNodePlatform({ rpc: { closeTimeoutMs: 100 } }).rpc
  const arrived = Promise.withResolvers<void>()
  const hang = () => {
    arrived.resolve()
    return new Promise<Uint8Array>(() => {})
  }
  const hanging = await own.serve('127.0.0.1:0', new Map([['/test.Echo/Hang', hang]]))
  const client = own.connect(hanging.address)
  const call = caught(client.call('/test.Echo/Hang', new Uint8Array(0), NEVER))
  await arrived.promise
  // Without the bound neither would end before the call's own deadline.
  await hanging.close()
  await hanging.close()
  assert.equal((await call).code, 'RPC_UNAVAILABLE')
  client.close()
})

/** For the text of a program. */
const PLATFORM_MODULE = JSON.stringify(new URL('../index.ts', import.meta.url).href)

/** A server process whose port can be taken over by another one. */
async function spawnServer(port: number): Promise<{ address: string; kill(): Promise<void> }> {
  const program = `
    const { createNodePlatform } = await import(${PLATFORM_MODULE})
    const server = await createNodePlatform().rpc.serve('127.0.0.1:${port}', new Map([
      ['/test.Echo/Echo', async (request) => request],
      ['/test.Echo/Hang', () => new Promise(() => {})],
    ]))
    process.stdout.write(server.address)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return {
    address: line.toString(),
    async kill() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

test('a killed server is reported, its calls fail, and the channel reconnects to its successor', async () => {
  const first = await spawnServer(0)
  const client = rpc.connect(first.address)
  let disconnects = 0
  const disconnected = new Promise<void>((resolve) =>
    client.onDisconnect(() => {
      disconnects++
      resolve()
    }),
  )
  await client.call('/test.Echo/Echo', new Uint8Array(1), DEADLINE)
  const hanging = caught(client.call('/test.Echo/Hang', new Uint8Array(0), DEADLINE))
  await first.kill()
  await disconnected
  assert.equal((await hanging).code, 'RPC_UNAVAILABLE')
  const second = await spawnServer(Number(first.address.split(':')[1]))
  let answered = false
  const lastMs = performance.now() + NEVER.deadlineMs
  while (!answered && performance.now() < lastMs) {
    answered = await client.call('/test.Echo/Echo', new Uint8Array(1), DEADLINE).then(
      () => true,
      (thrown: MillraceError) => {
        assert.equal(thrown.code, 'RPC_UNAVAILABLE')
        return new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 50))
      },
    )
  }
  assert.ok(answered)
  assert.equal(disconnects, 1)
  client.close()
  await second.kill()
})

test('closing the channel itself is no disconnect', async () => {
  const client = rpc.connect(server.address)
  client.onDisconnect(() => assert.fail('not a loss'))
  await client.call('/test.Echo/Echo', new Uint8Array(1), DEADLINE)
  client.close()
  await new Promise((resolve) => setTimeout(resolve, 50))
})

test('making a platform does not load gRPC', () => {
  const program = `
    const { createNodePlatform } = await import(${PLATFORM_MODULE})
    createNodePlatform()
    const { createRequire } = await import('node:module')
    const require = createRequire(${JSON.stringify(import.meta.url)})
    const loaded = Object.keys(require.cache).filter((file) => file.includes('grpc-js'))
    process.stdout.write(String(loaded.length))`
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', program])
  assert.equal(run.stdout.toString(), '0', run.stderr.toString())
})
