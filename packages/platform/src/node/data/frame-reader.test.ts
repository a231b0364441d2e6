/** Framing, however the byte stream is cut. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GOODBYE, writeFrameHeader } from './frame.ts'
import { FrameReader } from './frame-reader.ts'

function streamOf(lengths: readonly number[]): Uint8Array {
  const bytes: number[] = []
  for (const length of lengths) {
    const header = new Uint8Array(4)
    writeFrameHeader(header, 0, length)
    bytes.push(...header)
    if (length !== GOODBYE) for (let i = 0; i < length; i++) bytes.push((length * 13 + i) & 0xff)
  }
  return new Uint8Array(bytes)
}

const LENGTHS = [0, 1, 5, 0, 0, 300, 2, 17, GOODBYE]

test('however the stream is cut, also inside a header, the same frames come out', () => {
  const stream = streamOf(LENGTHS)
  for (let first = 0; first <= stream.length; first++) {
    for (const step of [1, 2, 3, 7, 1000]) {
      const lengths: number[] = []
      const reader = new FrameReader((frame) => {
        lengths.push(frame.length)
        frame.forEach((byte, i) => {
          assert.equal(byte, (frame.length * 13 + i) & 0xff)
        })
      }, 1000)
      // The segment is overwritten after each push, as a socket's is.
      const segment = new Uint8Array(stream.length)
      for (let at = 0; at < stream.length; ) {
        const length = at === 0 && first > 0 ? first : Math.min(step, stream.length - at)
        segment.set(stream.subarray(at, at + length))
        reader.push(segment, length)
        segment.fill(0xee)
        at += length
      }
      assert.deepEqual(lengths, LENGTHS.slice(0, -1))
      assert.ok(reader.ended)
    }
  }
})

test('a frame above the limit is refused from its header alone', () => {
  const reader = new FrameReader(() => assert.fail('no frame'), 299)
  assert.throws(() => reader.push(streamOf([300]), 4), { code: 'DATA_FRAME_TOO_LARGE' })
})

test('nothing after a goodbye is read', () => {
  const reader = new FrameReader(() => assert.fail('no frame'), 1000)
  const stream = streamOf([GOODBYE, 5])
  reader.push(stream, stream.length)
  assert.ok(reader.ended)
})
