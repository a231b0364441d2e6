/** What a frozen state sees of records that are written to, and how little of them is copied. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FrozenCopies, RecordCopies } from './record-copies.ts'

const STRIDE = 4
const slotsOf = (count: number) => Int32Array.from({ length: count }, (_, slot) => slot)

function seen(frozen: FrozenCopies, slot: number): number {
  const at = frozen.locate(slot)
  return frozen.ints[at] as number
}

/** Records whose integers are all their slot's number. */
function open(count: number) {
  const memory = { ints: Int32Array.from({ length: count * STRIDE }, (_, at) => at >> 2) }
  const copies = new RecordCopies(() => memory.ints, STRIDE)
  const write = (slots: Int32Array, value: number) => {
    copies.beforeWrite(slots, slots.length)
    for (const slot of slots) memory.ints.fill(value, slot * STRIDE, (slot + 1) * STRIDE)
  }
  return { memory, copies, write }
}

test('each frozen state sees records as they were at its own freeze', () => {
  const { copies, write } = open(1000)
  const first = copies.freeze(1000)
  write(Int32Array.of(3, 700), -1)
  const second = copies.freeze(1000)
  write(slotsOf(1000), -2)
  write(slotsOf(1000), -3)
  for (const slot of slotsOf(1000)) {
    assert.equal(seen(first, slot), slot)
    assert.equal(seen(second, slot), slot === 3 || slot === 700 ? -1 : slot)
  }
  first.release()
  second.release()
  assert.equal(copies.bytes, 0)
})

test('a record is copied once, and none that the checkpoint does not write', () => {
  const { copies, write } = open(4096)
  const wanted = new Int32Array(128)
  wanted[1] = 0b11
  const frozen = copies.freeze(4096)
  frozen.restrictTo(wanted)
  const before = frozen.bytes
  write(slotsOf(4096), -1)
  const copied = frozen.bytes
  assert.ok(copied > before && copied - before <= 256 * STRIDE * 4, `${copied} bytes`)
  write(slotsOf(4096), -2)
  assert.equal(frozen.bytes, copied)
  assert.deepEqual([seen(frozen, 32), seen(frozen, 33)], [32, 33])
})

test('what is not needed any more, by its hash, is not copied', () => {
  const { copies, write } = open(4096)
  const frozen = copies.freeze(4096)
  let from = 0
  frozen.needOnly(1, (hash) => hash >= from)
  from = 4000
  write(slotsOf(4096), -1)
  assert.ok(frozen.bytes < 8 * 1024, `${frozen.bytes} bytes`)
  assert.equal(seen(frozen, 4001), 4001)
})

test('memory that is left is read as it was, without a copy', () => {
  const { memory, copies, write } = open(1000)
  const frozen = copies.freeze(1000)
  write(Int32Array.of(5), -1)
  copies.leaveMemory()
  memory.ints = new Int32Array(1000 * STRIDE)
  const before = frozen.bytes
  write(slotsOf(1000), -2)
  assert.equal(frozen.bytes, before)
  for (const slot of [0, 5, 999]) assert.equal(seen(frozen, slot), slot)
})
