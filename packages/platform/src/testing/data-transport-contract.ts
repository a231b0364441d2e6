/**
 * What every `DataConnection` must do, whatever carries it: TCP, message ports, the simulated
 * network.
 *
 *     testDataConnections('TCP', async () => ({ clock, connectPair, connectToVictim, dispose }))
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Clock } from '../platform.ts'
import type { DataConnection } from '../transport.ts'

export interface DataConnectionFixture {
  readonly clock: Clock
  /** Both ends of a new connection. */
  connectPair(): Promise<readonly [DataConnection, DataConnection]>
  /**
   * A connection whose peer `kill` ends without letting it say goodbye. The peer answers the first
   * frame with the same bytes.
   */
  connectToVictim(): Promise<{ readonly connection: DataConnection; kill(): Promise<void> }>
  dispose(): Promise<void>
}

/** Frames (copied) and closes that a connection has seen. */
class Recorder {
  readonly frames: Uint8Array[] = []
  readonly closes: (Error | null)[] = []
  constructor(connection: DataConnection) {
    connection.onFrame((frame) => this.frames.push(frame.slice()))
    connection.onClose((error) => this.closes.push(error))
  }
}

const WAIT_MS = 10_000

/** A frame of `length` bytes that says which one it is. */
function numbered(index: number, length: number): Uint8Array {
  const frame = new Uint8Array(length)
  for (let i = 0; i < length; i++) frame[i] = (index * 31 + i * 7) & 0xff
  return frame
}

/** Makes recorded connections from a fixture. */
class Connections {
  fixture!: DataConnectionFixture

  async until(condition: () => boolean, what: string): Promise<void> {
    const { clock } = this.fixture
    const deadlineMs = clock.monotonicMs() + WAIT_MS
    while (!condition()) {
      if (clock.monotonicMs() > deadlineMs) assert.fail(`Waited in vain for ${what}.`)
      await new Promise<void>((resolve) => clock.setTimer(1, resolve))
    }
  }

  async pair() {
    const [left, right] = await this.fixture.connectPair()
    return { left, right, atLeft: new Recorder(left), atRight: new Recorder(right) }
  }
}

export function testDataConnections(
  name: string,
  createFixture: () => Promise<DataConnectionFixture>,
): void {
  describe(`data connections over ${name}`, () => {
    const connections = new Connections()
    before(async () => {
      connections.fixture = await createFixture()
    })
    after(() => connections.fixture.dispose())
    testFrames(connections)
    testClosing(connections)
    testFailures(connections)
  })
}

/** What is sent arrives. */
function testFrames(connections: Connections): void {
  test('frames arrive whole and in order, both ways', async () => {
    const { left, right, atLeft, atRight } = await connections.pair()
    for (let i = 0; i < 100; i++) {
      left.send([numbered(i, i)])
      right.send([numbered(i, 200 - i)])
    }
    await connections.until(
      () => atRight.frames.length === 100 && atLeft.frames.length === 100,
      '100 frames',
    )
    for (let i = 0; i < 100; i++) {
      assert.deepEqual(atRight.frames[i], numbered(i, i))
      assert.deepEqual(atLeft.frames[i], numbered(i, 200 - i))
    }
    left.close()
  })

  test('the parts of a frame are joined, and may be reused at once', async () => {
    const { left, atRight } = await connections.pair()
    const header = new Uint8Array([1, 2])
    const body = new Uint8Array(40_000).fill(3)
    left.send([header, body, new Uint8Array(0)])
    header.fill(9)
    body.fill(9)
    left.send([])
    await connections.until(() => atRight.frames.length === 2, 'two frames')
    assert.deepEqual(atRight.frames[0].subarray(0, 4), new Uint8Array([1, 2, 3, 3]))
    assert.equal(atRight.frames[0].length, 40_002)
    assert.equal(atRight.frames[0][40_001], 3)
    assert.equal(atRight.frames[1].length, 0)
    left.close()
  })

  test('frames larger than any buffer arrive, between small ones', async () => {
    const { left, atRight } = await connections.pair()
    const lengths = [1, 3_000_000, 5, 131_072, 131_068, 262_144, 7, 10_000_000, 2]
    lengths.forEach((length, i) => {
      left.send([numbered(i, length)])
    })
    await connections.until(() => atRight.frames.length === lengths.length, 'all frames')
    lengths.forEach((length, i) => {
      assert.equal(Buffer.compare(atRight.frames[i], numbered(i, length)), 0, `frame ${i}`)
    })
    left.close()
  })

  test('ten thousand frames sent at once show as buffered bytes, and all arrive', async () => {
    const { left, atRight } = await connections.pair()
    let total = 0
    for (let i = 0; i < 10_000; i++) {
      const length = 500 + (i % 1500)
      left.send([numbered(i, length)])
      total += length
    }
    assert.ok(left.bufferedBytes() > total / 4, `buffered ${left.bufferedBytes()} of ${total}`)
    await connections.until(() => atRight.frames.length === 10_000, '10,000 frames')
    await connections.until(() => left.bufferedBytes() === 0, 'an empty buffer')
    for (let i = 0; i < 10_000; i++) {
      const expected = numbered(i, 500 + (i % 1500))
      assert.equal(Buffer.compare(atRight.frames[i], expected), 0, `frame ${i}`)
    }
    left.close()
  })
}

/** Orderly ends. */
function testClosing(connections: Connections): void {
  test('frames sent before a close are delivered, and both ends close once without error', async () => {
    const { left, atLeft, atRight } = await connections.pair()
    for (let i = 0; i < 500; i++) left.send([numbered(i, 20_000)])
    left.close()
    left.close()
    await connections.until(
      () => atRight.closes.length > 0 && atLeft.closes.length > 0,
      'both closes',
    )
    assert.equal(atRight.frames.length, 500)
    assert.deepEqual(atRight.closes, [null])
    assert.deepEqual(atLeft.closes, [null])
    assert.equal(left.bufferedBytes(), 0)
  })

  test('both ends may close at the same time', async () => {
    const { left, right, atLeft, atRight } = await connections.pair()
    left.close()
    right.close()
    await connections.until(
      () => atRight.closes.length > 0 && atLeft.closes.length > 0,
      'both closes',
    )
    assert.deepEqual([...atLeft.closes, ...atRight.closes], [null, null])
  })

  test('sending after an own close fails by name, after the peer’s it does nothing', async () => {
    const { left, right, atRight } = await connections.pair()
    left.close()
    assert.throws(() => left.send([new Uint8Array(1)]), { code: 'DATA_CONNECTION_CLOSED' })
    await connections.until(() => atRight.closes.length > 0, 'the close')
    right.send([new Uint8Array(1)])
    right.close()
  })

  test('a close handler that comes late is called all the same', async () => {
    const { left, right, atRight } = await connections.pair()
    left.close()
    await connections.until(() => atRight.closes.length > 0, 'the close')
    const late: (Error | null)[] = []
    right.onClose((error) => late.push(error))
    assert.deepEqual(late, [null])
  })
}

/** Limits, bad handlers and lost peers. */
function testFailures(connections: Connections): void {
  test('a frame beyond the limit is refused where it is sent', async () => {
    const { left, right, atRight } = await connections.pair()
    const huge = new Uint8Array(1024 * 1024)
    assert.throws(() => left.send(new Array<Uint8Array>(65).fill(huge)), {
      code: 'DATA_FRAME_TOO_LARGE',
    })
    left.send([new Uint8Array([1])])
    await connections.until(() => atRight.frames.length === 1, 'the next frame')
    right.close()
  })

  test('an exception in the frame handler closes the connection with that error', async () => {
    const [left, right] = await connections.fixture.connectPair()
    const closes: (Error | null)[] = []
    right.onClose((error) => closes.push(error))
    right.onFrame(() => {
      throw new Error('bad frame')
    })
    const atLeft = new Recorder(left)
    left.send([new Uint8Array(1)])
    await connections.until(() => closes.length > 0 && atLeft.closes.length > 0, 'both closes')
    assert.equal(closes[0]?.message, 'bad frame')
    assert.equal((atLeft.closes[0] as { code?: string } | null)?.code, 'DATA_CONNECTION_LOST')
  })

  test('a killed peer closes the connection with a named error', async () => {
    const { connection, kill } = await connections.fixture.connectToVictim()
    const seen = new Recorder(connection)
    connection.send([numbered(1, 1000)])
    await connections.until(() => seen.frames.length === 1, 'the answer')
    assert.deepEqual(seen.frames[0], numbered(1, 1000))
    await kill()
    await connections.until(() => seen.closes.length > 0, 'the close')
    assert.equal((seen.closes[0] as { code?: string } | null)?.code, 'DATA_CONNECTION_LOST')
    assert.equal(seen.closes.length, 1)
  })
}
