/** The live table of `npm start` on terminals of every size. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { displayWidth, type Terminal } from '@millrace/cli'
import { type DashboardState, renderDashboard, watermarkText } from './dashboard.ts'

const STATE: DashboardState = {
  restAddress: 'http://127.0.0.1:8081',
  jobState: 'RUNNING',
  statusReason: 'a reason that is longer than most terminals are wide, as reasons can be '.repeat(
    2,
  ),
  watermarkMs: 0,
  watermarkHold: 'file /a/rather/long/directory/with/files/partition-2.jsonl of the source',
  readingsWritten: 200,
  windowCount: 100,
  checkpointsCompleted: 3,
  lastCheckpoint: { id: 3, durationMs: 12 },
  latest: Array.from({ length: 15 }, (_, i) => ({
    sensor_id: `sensor-${i}`,
    window_start: '2026-11-22T10:15:00',
    window_end: '2026-11-22T10:16:00',
    avg_temperature: 20,
    max_temperature: 21,
    min_temperature: 19,
    avg_humidity: 50,
    reading_count: 2,
  })),
  resultPlace: '/home/somebody/projects/millrace/.millrace/main-job/sensor-aggregates',
}

function terminal(columns: number, rows: number): Terminal {
  return { write() {}, writeError() {}, interactive: false, columns, rows }
}

// Cause: at 80 columns the table wrapped, at 24 rows its head scrolled away, and the next picture
// was drawn askew.
for (const [columns, rows] of [
  [80, 24],
  [100, 40],
  [60, 15],
] as const) {
  test(`everything fits ${columns} columns and ${rows} rows, and the latest window is shown`, () => {
    const lines = renderDashboard(STATE, terminal(columns, rows))
    assert.ok(lines.length < rows, `${lines.length} lines`)
    for (const line of lines) assert.ok(displayWidth(line) <= columns, line)
    assert.match(lines.join('\n'), /sensor-14 /)
    assert.match(lines[0] as string, /^Millrace {2}sensor-aggregator is RUNNING/)
  })
}

test('with room the window has its date, and fifteen windows are shown', () => {
  const lines = renderDashboard(STATE, terminal(100, 40))
  assert.equal(lines.filter((line) => line.includes('2026-11-22 10:15–10:16')).length, 15)
})

test('a finished job is at the end of its input, a new one has no watermark yet', () => {
  assert.equal(watermarkText(null, 'FINISHED'), 'at the end of the input')
  assert.equal(watermarkText(null, 'RUNNING'), 'none yet')
  assert.equal(watermarkText(1000, 'RUNNING'), '1970-01-01T00:00:01')
})
