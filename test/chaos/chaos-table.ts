/**
 * The table at the end of a chaos run: faults by class, and how long each step of the recovery took
 * (median and largest).
 */
import type { FaultRecord } from './run-chaos.ts'

/** From detection to the first new output, for the faults named below. */
export const FIRST_OUTPUT_TARGET_MS = 2000
const TARGETS = ['kill-taskmanager', 'kill-leader']

const COLUMNS = [
  'fault',
  'count',
  'alone',
  'noticed',
  'detection',
  'redeploy',
  'first output',
  'caught up',
] as const

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(q * (sorted.length - 1))] as number
}

function medianAndMax(values: readonly number[]): string {
  return values.length === 0 ? '–' : `${quantile(values, 0.5)} / ${quantile(values, 1)}`
}

const isNumber = (value: number | null): value is number => value !== null
const span = (from: number | null, to: number | null) =>
  from === null || to === null ? null : to - from

function row(name: string, faults: readonly FaultRecord[]): readonly string[] {
  const alone = faults.filter(({ overlapped }) => !overlapped)
  const noticed = alone.filter(({ recovery }) => recovery.detectedMs !== null)
  const of = (take: (fault: FaultRecord) => number | null, from = noticed) =>
    medianAndMax(from.map(take).filter(isNumber))
  return [
    name,
    String(faults.length),
    String(alone.length),
    String(noticed.length),
    of(({ beganMs, recovery }) => span(beganMs, recovery.detectedMs)),
    of(({ recovery }) => span(recovery.detectedMs, recovery.runningMs)),
    of(({ recovery }) => span(recovery.detectedMs, recovery.firstOutputMs)),
    of(({ beganMs, recovery }) => span(beganMs, recovery.caughtUpMs), alone),
  ]
}

/** Lines of text. Times in ms, median / largest, of faults that stood alone. */
export function chaosTable(faults: readonly FaultRecord[]): string[] {
  const names = [...new Set(faults.map(({ name }) => name))].sort()
  const rows = [
    COLUMNS,
    ...names.map((name) =>
      row(
        name,
        faults.filter((fault) => fault.name === name),
      ),
    ),
    row('all', faults),
  ]
  const widths = COLUMNS.map((_, i) => Math.max(...rows.map((cells) => (cells[i] ?? '').length)))
  return rows.map((cells) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  '),
  )
}

/** Whether the faults with a target kept it, one line each. */
export function targetLines(faults: readonly FaultRecord[]): string[] {
  return TARGETS.flatMap((name) => {
    const times = faults
      .filter((fault) => fault.name === name && !fault.overlapped)
      .map(({ recovery }) => span(recovery.detectedMs, recovery.firstOutputMs))
      .filter(isNumber)
    if (times.length === 0) return []
    const kept = times.filter((ms) => ms <= FIRST_OUTPUT_TARGET_MS).length
    return [
      `${name}: first new output within ${FIRST_OUTPUT_TARGET_MS} ms of the detection ${kept} of ${times.length} times`,
    ]
  })
}
