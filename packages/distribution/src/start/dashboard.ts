/**
 * What `npm start` shows: a live table of the latest windows on a terminal, plain lines elsewhere.
 *
 * `renderDashboard` is pure: a state in, lines out. They fit the terminal, since the next picture
 * is drawn over them: a line that wrapped or scrolled away could not be drawn over.
 */
import { borderLine, layoutTable, rowLine, styled, type Terminal } from '@millrace/cli'
import type { WindowRow } from './result-tail.ts'

export interface DashboardState {
  readonly restAddress: string
  readonly jobState: string
  readonly statusReason: string | null
  /** Epoch ms, or null. */
  readonly watermarkMs: number | null
  readonly watermarkHold: string | null
  readonly readingsWritten: number
  readonly windowCount: number
  readonly checkpointsCompleted: number
  readonly lastCheckpoint: { readonly id: number; readonly durationMs: number } | null
  readonly latest: readonly WindowRow[]
  readonly resultPlace: string
}

const HEADERS = [
  { name: 'sensor', type: 'VARCHAR' },
  { name: 'window', type: 'VARCHAR' },
  { name: 'avg °C', type: 'DOUBLE' },
  { name: 'max °C', type: 'DOUBLE' },
  { name: 'min °C', type: 'DOUBLE' },
  { name: 'avg humidity', type: 'DOUBLE' },
  { name: 'count', type: 'BIGINT' },
] as const

const clockTime = (text: string) => text.slice(11, 16)

/** The cells of one window. */
export function windowCells(row: WindowRow): string[] {
  return [
    row.sensor_id,
    `${row.window_start.slice(0, 10)} ${clockTime(row.window_start)}–${clockTime(row.window_end)}`,
    row.avg_temperature.toFixed(2),
    row.max_temperature.toFixed(1),
    row.min_temperature.toFixed(1),
    row.avg_humidity.toFixed(1),
    String(row.reading_count),
  ]
}

/** One window as a plain line. */
export function windowLine(row: WindowRow): string {
  const [sensor, window, average, max, min, humidity, count] = windowCells(row)
  return `${sensor}  ${window}  avg ${average} °C  max ${max}  min ${min}  humidity ${humidity}  readings ${count}`
}

/** The watermark as people read it; a job that has ended has passed every time. */
export function watermarkText(watermarkMs: number | null, jobState: string): string {
  if (watermarkMs !== null) return new Date(watermarkMs).toISOString().slice(0, 19)
  return jobState === 'FINISHED' ? 'at the end of the input' : 'none yet'
}

function cut(text: string, width: number): string {
  const characters = [...text]
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`
}

/** Lines around the rows of the table, and the one on which the cursor rests. */
const FRAME_LINES = 12
const WIDE_TABLE_COLUMNS = 88

/** The latest windows that fit; a narrow terminal goes without the date. */
function shownCells(state: DashboardState, { columns, rows }: Terminal): string[][] {
  const shown = state.latest.slice(-Math.max(1, rows - FRAME_LINES)).map(windowCells)
  if (columns >= WIDE_TABLE_COLUMNS) return shown
  return shown.map(([sensor, window, ...rest]) => [
    sensor as string,
    (window as string).slice('2026-01-01 '.length),
    ...rest,
  ])
}

/** The whole picture as lines. */
export function renderDashboard(state: DashboardState, terminal: Terminal): string[] {
  const { columns } = terminal
  const title = `Millrace  sensor-aggregator is ${state.jobState}`
  const reason = state.statusReason === null ? '' : ` – ${state.statusReason}`
  const hold = state.watermarkHold === null ? '' : `  (held by ${state.watermarkHold})`
  const checkpoint =
    state.lastCheckpoint === null
      ? 'none yet'
      : `${state.checkpointsCompleted} complete, last #${state.lastCheckpoint.id} in ${state.lastCheckpoint.durationMs} ms`
  const rows = shownCells(state, terminal)
  const layout = layoutTable(HEADERS, rows, 30)
  const names = HEADERS.map((header) => header.name)
  const styledTitle = `${styled(terminal, 'bold', 'Millrace')}  sensor-aggregator is ${styled(terminal, 'green', state.jobState)}`
  return [
    `${styledTitle}${cut(reason, Math.max(0, columns - title.length))}`,
    ...[
      `REST         ${state.restAddress}/jobs/overview`,
      `readings     ${state.readingsWritten} written`,
      `watermark    ${watermarkText(state.watermarkMs, state.jobState)}${hold}`,
      `checkpoints  ${checkpoint}`,
      `windows      ${state.windowCount} so far, in ${state.resultPlace}`,
      borderLine(layout),
      rowLine(layout, names),
      borderLine(layout),
      ...rows.map((row) => rowLine(layout, row)),
      borderLine(layout),
    ].map((line) => cut(line, columns)),
    styled(terminal, 'dim', 'Ctrl-C stops everything.'),
  ]
}
