/** The minimum over inputs, idleness and the end of input. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { WatermarkMerge } from './watermark-merge.ts'

it('follows the slowest active channel', () => {
  const merge = new WatermarkMerge(2)
  assert.equal(merge.advance(0, 100), false)
  assert.equal(merge.advance(1, 50), true)
  assert.equal(merge.current, 50)
  assert.equal(merge.holder, 1)
  assert.equal(merge.advance(1, 200), true)
  assert.equal(merge.current, 100)
})

it('is not held back by an idle channel', () => {
  const merge = new WatermarkMerge(2)
  merge.advance(0, 100)
  assert.equal(merge.setIdle(1, true), true)
  assert.equal(merge.current, 100)
})

it('never goes back when an idle channel returns behind', () => {
  const merge = new WatermarkMerge(2)
  merge.setIdle(1, true)
  merge.advance(0, 100)
  merge.setIdle(1, false)
  merge.advance(1, 20)
  assert.equal(merge.current, 100)
  merge.advance(0, 150)
  assert.equal(merge.current, 150)
  merge.advance(1, 160)
  merge.advance(0, 170)
  assert.equal(merge.current, 160)
})

it('goes idle at the largest watermark when all channels are idle', () => {
  const merge = new WatermarkMerge(2)
  merge.advance(0, 100)
  merge.advance(1, 50)
  merge.setIdle(0, true)
  assert.equal(merge.isIdle, false)
  assert.equal(merge.setIdle(1, true), true)
  assert.equal(merge.current, 100)
})

it('reaches the end of time when all channels have ended', () => {
  const merge = new WatermarkMerge(2)
  merge.end(0)
  assert.equal(merge.current, Number.NEGATIVE_INFINITY)
  merge.advance(1, 10)
  assert.equal(merge.current, 10)
  merge.end(1)
  assert.equal(merge.current, Number.POSITIVE_INFINITY)
})

it('does not reach the end of time while an idle channel may still bring rows', () => {
  const merge = new WatermarkMerge(2)
  merge.advance(0, 100)
  merge.advance(1, 50)
  merge.setIdle(1, true)
  assert.equal(merge.current, 100)
  merge.end(0)
  assert.deepEqual([merge.current, merge.isIdle], [100, true])
  merge.setIdle(1, false)
  assert.equal(merge.isIdle, false)
  merge.advance(1, 300)
  assert.equal(merge.current, 300)
  merge.end(1)
  assert.equal(merge.current, Number.POSITIVE_INFINITY)
})

it('names who holds: the smallest of those that are active', () => {
  const merge = new WatermarkMerge(3)
  merge.advance(0, 100)
  merge.advance(1, 20)
  merge.advance(2, 60)
  assert.equal(merge.holder, 1)
  merge.setIdle(1, true)
  assert.equal(merge.holder, 2)
  merge.end(0)
  merge.end(2)
  assert.equal(merge.holder, -1)
})
