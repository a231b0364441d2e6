/**
 * The proxy itself over real sockets: what it promises to the chaos run, and that it loses
 * nothing meanwhile.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { until } from '../support/until.ts'
import { TcpProxy } from './tcp-proxy.ts'

const HOST = '127.0.0.1'

describe('the TCP proxy', () => {
  let echo: Server
  let proxy: TcpProxy
  const sockets: Socket[] = []
  const open = async () => {
    const socket = connect(proxy.port, HOST)
    sockets.push(socket)
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket
  }
  const closeOf = (socket: Socket) =>
    new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const atEcho = async () => ((await once(echo, 'asked')) as [string])[0]
  const answer = async (socket: Socket, text: string) => {
    socket.write(text)
    const [bytes] = (await once(socket, 'data')) as [Buffer]
    return bytes.toString()
  }
  before(async () => {
    echo = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {})
      socket.on('data', (bytes) => echo.emit('asked', bytes.toString()))
      socket.pipe(socket)
    })
    echo.listen(0, HOST)
    await once(echo, 'listening')
    const { port } = echo.address() as { port: number }
    proxy = await TcpProxy.listen({ host: HOST, port: 0 }, { host: HOST, port })
  })
  after(async () => {
    for (const socket of sockets) socket.destroy()
    await proxy.close()
    echo.close()
  })

  it('passes megabytes unchanged both ways, up to the end of each half', async () => {
    const sent = randomBytes(8 << 20)
    const socket = await open()
    const received: Buffer[] = []
    socket.on('data', (bytes: Buffer) => received.push(bytes))
    socket.end(sent)
    await once(socket, 'end')
    assert.ok(Buffer.concat(received).equals(sent))
  })

  it('makes an answer late by the delay of both ways', async () => {
    const socket = await open()
    await answer(socket, 'warm')
    proxy.delay(60)
    const startedMs = performance.now()
    assert.equal(await answer(socket, 'late'), 'late')
    proxy.delay(0)
    assert.ok(performance.now() - startedMs >= 118)
  })

  it('holds bytes and newcomers back until they are released', async () => {
    const socket = await open()
    await answer(socket, 'warm')
    proxy.hold()
    let early = false
    const held = answer(socket, 'held').finally(() => (early = proxy.isHeld('to-target')))
    const newcomer = await open()
    const waited = answer(newcomer, 'waited')
    await new Promise((resolve) => setTimeout(resolve, 100))
    proxy.release()
    assert.equal(await held, 'held')
    assert.equal(await waited, 'waited')
    assert.equal(early, false)
  })

  it('holds one way alone: what is sent arrives, its answer comes after the release', async () => {
    const socket = await open()
    await answer(socket, 'warm')
    const reached = atEcho()
    proxy.hold(['from-target'])
    let isHeld = true
    const answered = answer(socket, 'asked').finally(() => assert.equal(isHeld, false))
    assert.equal(await reached, 'asked')
    isHeld = false
    proxy.release()
    assert.equal(await answered, 'asked')
  })

  it('loses what goes one way, and breaks who lost some, not who sent nothing', async () => {
    const [loser, silent] = [await open(), await open()]
    await answer(loser, 'warm')
    await answer(silent, 'warm')
    const reached = atEcho()
    proxy.drop('from-target')
    const closed = closeOf(loser)
    loser.on('data', () => assert.fail('its answers are lost'))
    loser.write('asked')
    assert.equal(await reached, 'asked')
    await until('its answer is lost', () => proxy.lostBytes === 5)
    proxy.release()
    await closed
    assert.equal(await answer(silent, 'again'), 'again')
  })

  for (const unaware of ['client', 'target'] as const) {
    it(`breaks a connection at one end, and the ${unaware} hears of it only at the release`, async () => {
      const accepted = once(echo, 'connection') as Promise<[Socket]>
      const client = await open()
      await answer(client, 'warm')
      const [target] = await accepted
      const [left, gone] = unaware === 'client' ? [client, target] : [target, client]
      const ends = { left: closeOf(left), gone: closeOf(gone) }
      proxy.abandon(unaware)
      await ends.gone
      left.write('into the void')
      assert.equal(await answer(await open(), 'newcomer'), 'newcomer')
      assert.equal(left.destroyed, false)
      proxy.release()
      await ends.left
    })
  }

  it('cuts what is connected, refuses newcomers while it is told to, and takes them again', async () => {
    const socket = await open()
    await answer(socket, 'warm')
    proxy.refuse(true)
    const closed = closeOf(socket)
    proxy.cut()
    await closed
    const refused = connect(proxy.port, HOST)
    refused.on('error', () => {})
    await closeOf(refused)
    proxy.refuse(false)
    assert.equal(await answer(await open(), 'again'), 'again')
  })

  it('breaks the connection when its target is gone, and forgets it', async () => {
    const socket = await open()
    await answer(socket, 'warm')
    const before = proxy.connectionCount
    const closed = closeOf(socket)
    socket.resetAndDestroy()
    await closed
    await until('it is forgotten', () => proxy.connectionCount === before - 1)
  })
})
