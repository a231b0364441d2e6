/** When a watermark goes out, and which rows come behind it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Expression } from '@millrace/expression'
import { at, delayed, openSource, pass, TIMESTAMP } from '../testing/fed-source.ts'
import type { OperatorHarness } from '../testing/operator-harness.ts'

const timeline = (harness: OperatorHarness) =>
  harness.output.elements.map((element) =>
    element.kind === 'row'
      ? element.values[0]
      : element.kind === 'watermark'
        ? `w${element.timestampMs}`
        : '',
  )

test('rows that a watermark of their own batch makes late come behind it', async () => {
  // Cause: only a timer sent watermarks, so the rows of a file were never late.
  const { harness, assign, feed } = await openSource({ periodic: false })
  assign('0')
  feed({ split: '0', batch: at(1000, 2000, 2150, 1890, 1950, 5000, 4000) })
  pass(harness, 1000)
  // 2150 does not pass 1900 by more than 200; 1950 is not late.
  assert.deepEqual(timeline(harness), [1000, 2000, 2150, 'w1900', 1890, 1950, 5000, 'w4900', 4000])
})

test('how the rows fall into batches changes neither watermarks nor what is late', async () => {
  const times = Array.from({ length: 400 }, (_, i) => 1000 + i * 37 - ((i * i * 7919) % 900))
  const windowsOf = async (sizes: readonly number[]) => {
    const { harness, assign, feed } = await openSource({ periodic: false })
    assign('0')
    for (let from = 0, n = 0; from < times.length; n++) {
      const to = from + sizes[n % sizes.length]!
      feed({ split: '0', batch: at(...times.slice(from, to)) })
      from = to
    }
    // Late or not, and how far the watermark came: the same for each row.
    let watermark = Number.NEGATIVE_INFINITY
    const late: number[] = []
    for (const element of harness.output.elements) {
      if (element.kind === 'watermark') watermark = element.timestampMs
      else if (element.kind === 'row' && (element.values[0] as number) <= watermark) {
        late.push(element.values[0] as number)
      }
    }
    return { late, watermark }
  }
  const whole = await windowsOf([400])
  assert.ok(whole.late.length > 20 && whole.late.length < 380, `${whole.late.length} are late`)
  for (const sizes of [[1], [3, 50], [128]]) assert.deepEqual(await windowsOf(sizes), whole)
})

test('the timer sends what the rows did not, unless the input is bounded', async () => {
  for (const periodic of [true, false]) {
    const { harness, assign, feed } = await openSource({ periodic })
    assign('0')
    feed({ split: '0', batch: at(1000, 1100) })
    assert.deepEqual(harness.output.watermarks(), [900])
    pass(harness, 400)
    assert.deepEqual(harness.output.watermarks(), periodic ? [900, 1000] : [900])
  }
})

test('with an interval of 0, or on every event, each increase counts', async () => {
  for (const more of [{ emitIntervalMs: 0 }, { emit: 'on-event' }] as const) {
    const { harness, assign, feed } = await openSource({ ...more, periodic: false })
    assign('0')
    feed({ split: '0', batch: at(1000, 1001, 900, 1300, 1250) })
    assert.deepEqual(timeline(harness), [1000, 1001, 'w901', 900, 1300, 1250, 'w1200'])
  }
})

test('rows behind a watermark wait while the output is full', async () => {
  const { harness, assign, feed } = await openSource({ periodic: false })
  assign('0')
  harness.output.capacity = 1
  feed({ split: '0', batch: at(1000, 3000, 2000, 6000, 4000) })
  assert.deepEqual(timeline(harness), [1000, 3000, 'w2900'])
  assert.equal(harness.source.isBlocked!(), true)
  harness.output.capacity = 1
  harness.source.resume!()
  assert.deepEqual(timeline(harness).slice(3), [2000, 6000, 'w5900'])
  harness.output.capacity = 1
  harness.source.resume!()
  assert.deepEqual(timeline(harness).slice(6), [4000])
  assert.equal(harness.source.isBlocked!(), false)
})

test('a restored source goes on from the watermark that it had sent, not from what it had seen', async () => {
  const { harness, assign, feed } = await openSource({ periodic: false })
  assign('0')
  feed({ split: '0', batch: at(1000, 1100) })
  const snapshots = [await harness.checkpoint(1)]
  const again = await openSource({ periodic: false }, { snapshots })
  again.feed({ split: '0', batch: at(1200, 950, 1201, 950) })
  assert.deepEqual(timeline(again.harness), ['w900', 1200, 950, 1201, 'w1101', 950])
})

test('a delay taken as a constant and one worked out row by row cut alike', async () => {
  const slow: Expression = {
    kind: 'case',
    branches: [],
    otherwise: delayed,
    type: TIMESTAMP,
  }
  const times = Array.from({ length: 600 }, (_, i) => 1000 + i * 31 - ((i * i * 6151) % 700))
  const run = async (watermark: Expression) => {
    const { harness, assign, feed } = await openSource({ watermark, periodic: false })
    assign('0')
    for (let from = 0; from < times.length; from += 50) {
      feed({ split: '0', batch: at(...times.slice(from, from + 50)) })
    }
    return timeline(harness)
  }
  const constant = await run(delayed)
  assert.ok(constant.filter((each) => String(each).startsWith('w')).length > 20)
  assert.deepEqual(constant, await run(slow))
})
