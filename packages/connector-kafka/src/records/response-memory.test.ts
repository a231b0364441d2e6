/** CRC-32C of what lies in a response's memory: always that of the native function. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { READ_AHEAD_BYTES, sharedMemoryOf } from '@millrace/connector/wasm'
import { crc32c } from '@node-rs/crc32'
import { FOLDED_BYTES, FOLDING_BYTES_MIN } from './crc-folding.ts'
import { allocateResponse, crc32cOf } from './response-memory.ts'

function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return (state >>> 0) / 4294967296
  }
}

function filled(bytes: Uint8Array, random: () => number): Uint8Array {
  for (let i = 0; i < bytes.length; i++) bytes[i] = random() * 256
  return bytes
}

test('the checksum is that of the native function, at every place and length', () => {
  const random = randomOf(7)
  const bytes = filled(allocateResponse(300_000, 0), random)
  const check = (from: number, length: number) => {
    const part = bytes.subarray(from, from + length)
    const before = Buffer.from(part)
    assert.equal(crc32cOf(bytes, from, from + length), crc32c(part), `${length} bytes at ${from}`)
    assert.deepEqual(Buffer.from(part), before, 'the bytes stay as they were')
  }
  for (let length = FOLDING_BYTES_MIN - 40; length < FOLDING_BYTES_MIN + 40; length++) {
    check(length % 17, length)
  }
  // Steps of 1,024 vectors in front of those that are left: none beyond, one, one less.
  for (const vectors of [1023, 1024, 1025, 2048, 4096]) {
    for (const rest of [-16, -1, 0, 1, 15, 16]) check(5, FOLDED_BYTES + 16 * vectors + rest)
  }
  for (let i = 0; i < 200; i++) {
    check(Math.floor(random() * 64), FOLDING_BYTES_MIN + Math.floor(random() * 200_000))
  }
})

test('a changed bit changes the checksum, wherever it is', () => {
  const random = randomOf(11)
  const bytes = filled(allocateResponse(300_000, 0), random)
  const whole = crc32cOf(bytes, 3, 60_000)
  for (let i = 0; i < 500; i++) {
    const at = 3 + Math.floor(random() * 59_997)
    const bit = 1 << Math.floor(random() * 8)
    bytes[at] = (bytes[at] as number) ^ bit
    assert.notEqual(crc32cOf(bytes, 3, 60_000), whole, `byte ${at}`)
    bytes[at] = (bytes[at] as number) ^ bit
  }
  assert.equal(crc32cOf(bytes, 3, 60_000), whole)
})

test('bytes from elsewhere, and short ones, have the same checksum', () => {
  const random = randomOf(13)
  const elsewhere = filled(new Uint8Array(100_000), random)
  const response = allocateResponse(300_000, 4 << 20)
  response.set(elsewhere)
  for (const length of [0, 1, 60, 9000, 100_000]) {
    assert.equal(crc32cOf(elsewhere, 0, length), crc32cOf(response, 0, length))
  }
})

test('a small response gets a buffer of its size, a large one room for those to come', () => {
  assert.equal(allocateResponse(1000, 4 << 20).length, 1000)
  assert.ok(allocateResponse(300_000, 4 << 20).length >= 4 << 20)
  assert.ok(allocateResponse(20 << 20, 4 << 20).length >= 20 << 20)
})

test('a large response lies in a shared memory, with room behind it to look ahead', () => {
  for (const bytes of [256 << 10, 300_001, 20 << 20]) {
    const response = allocateResponse(bytes, 4 << 20)
    assert.equal(sharedMemoryOf(response)?.buffer, response.buffer)
    const end = response.byteOffset + response.length
    assert.equal(response.buffer.byteLength - end, READ_AHEAD_BYTES)
    assert.ok(response.length >= bytes)
  }
  assert.equal(sharedMemoryOf(allocateResponse(1000, 4 << 20)), undefined)
})
