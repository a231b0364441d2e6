/** What a waiting query's line says of event time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeWatermark } from './describe-watermark.ts'

test('what holds the watermark is named with what lets it go; else what moves it on', () => {
  const hint = "It is read to its end; set 'table.exec.source.idle-timeout' to let it go idle."
  const holds = [
    { what: 'file /in/day1.json', hint },
    { what: 'file /in/day2.json', hint },
  ]
  assert.equal(
    describeWatermark({ lowMs: 45_000, holds }),
    `windows that end after 1970-01-01 00:00:45.000 wait for the watermark, which is there; it waits for file /in/day1.json (and 1 more). ${hint}`,
  )
  assert.equal(
    describeWatermark({ lowMs: 45_000, holds: [] }),
    'windows that end after 1970-01-01 00:00:45.000 wait for the watermark, which is there; it moves on with later rows',
  )
  assert.equal(describeWatermark(undefined), 'there is no watermark yet, and no window ends before')
})
