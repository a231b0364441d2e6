/** Rows go out as soon as a task has nothing to do; watermarks alone within the buffer timeout. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '@millrace/platform'
import { type FlushedPartition, OutputFlusher } from './output-flusher.ts'

const TIMEOUT_MS = 100

class Partition implements FlushedPartition {
  hasOpenData = false
  hasUrgentData = false
  flushes = 0
  flush(): void {
    this.flushes++
    this.hasOpenData = false
    this.hasUrgentData = false
  }
}

function taskAt(startMs: number, bufferTimeoutMs = TIMEOUT_MS) {
  let nowMs = startMs
  let timers: { atMs: number; action: () => void }[] = []
  const clock = {
    monotonicMs: () => nowMs,
    setTimer(delayMs: number, action: () => void) {
      timers.push({ atMs: nowMs + delayMs, action })
      return () => {}
    },
  } as unknown as Clock
  const partition = new Partition()
  const wake = () => flusher.flushWhenIdle(nowMs)
  const flusher = new OutputFlusher([partition], { clock, bufferTimeoutMs, wake })
  return {
    partition,
    flusher,
    /** The time passes; timers that are due wake the task, which has nothing to do. */
    passTo(untilMs: number) {
      nowMs = untilMs
      const due = timers.filter(({ atMs }) => atMs <= nowMs)
      timers = timers.filter(({ atMs }) => atMs > nowMs)
      for (const { action } of due) action()
    },
    timerCount: () => timers.length,
  }
}

test('rows go out at once when there is nothing to do', () => {
  const { partition, flusher } = taskAt(1000)
  partition.hasOpenData = partition.hasUrgentData = true
  flusher.flushWhenIdle(1001)
  assert.equal(partition.flushes, 1)
})

test('watermarks alone wait for the timeout since the last flush, with one timer, and then go out', () => {
  const { partition, flusher, passTo, timerCount } = taskAt(1000)
  for (const atMs of [1010, 1020, 1030]) {
    passTo(atMs)
    partition.hasOpenData = true
    flusher.flushWhenIdle(atMs)
  }
  assert.equal(partition.flushes, 0)
  assert.equal(timerCount(), 1)
  passTo(1099)
  assert.equal(partition.flushes, 0)
  passTo(1100)
  assert.equal(partition.flushes, 1)
  assert.equal(timerCount(), 0)
})

test('a watermark after a long silence goes out at once', () => {
  const { partition, flusher, passTo } = taskAt(1000)
  passTo(5000)
  partition.hasOpenData = true
  flusher.flushWhenIdle(5000)
  assert.equal(partition.flushes, 1)
})

test('a task without anything to send sets no timer and counts no flush', () => {
  const { partition, flusher, timerCount } = taskAt(1000)
  flusher.flushWhenIdle(1001)
  assert.equal(partition.flushes, 0)
  assert.equal(timerCount(), 0)
})

test('without a timeout a busy task never flushes, and one that is idle at once', () => {
  const { partition, flusher } = taskAt(1000, -1)
  partition.hasOpenData = true
  flusher.flushIfDue(90_000)
  assert.equal(partition.flushes, 0)
  flusher.flushWhenIdle(1001)
  assert.equal(partition.flushes, 1)
})
