/**
 * The source tables of generated jobs: the sensor readings of the main job, or events with a column
 * of every type.
 */
import type { SeededRandom } from '../../world/seeded-random.ts'
import type { Item } from '../model/expression.ts'
import { call, column } from '../model/expression.ts'
import type { ColumnFill, SourceTable } from '../model/query.ts'
import {
  BIGINT,
  BOOLEAN,
  DATE,
  DOUBLE,
  INT,
  type SqlType,
  STRING,
  TIMESTAMP,
} from '../model/sql-type.ts'
import { anyCall } from './random-expression.ts'

const COMPUTED_KINDS = [
  'STRING',
  'INT',
  'BIGINT',
  'DOUBLE',
  'BOOLEAN',
  'DATE',
  'TIMESTAMP',
] as const
const DELAYS_MS = [1000, 2000, 5000, 10_000]

export function sensorTable(): SourceTable {
  return {
    name: 'sensor_readings',
    columns: [
      { name: 'sensor_id', type: STRING, fill: 'key' },
      { name: 'temperature', type: DOUBLE, fill: 'temperature' },
      { name: 'humidity', type: DOUBLE, fill: 'humidity' },
      { name: 'event_time', type: TIMESTAMP, fill: 'rowtime' },
    ],
    computed: [],
    rowtime: 'event_time',
    watermarkDelayMs: 10_000,
  }
}

const EVENT_COLUMNS: readonly [string, SqlType, ColumnFill][] = [
  ['grp', STRING, 'key'],
  ['label', STRING, 'text'],
  ['qty', INT, 'small-int'],
  ['total', BIGINT, 'number'],
  ['ratio', DOUBLE, 'half'],
  ['price', { kind: 'DECIMAL', precision: 10, scale: 2 }, 'price'],
  ['flag', BOOLEAN, 'flag'],
  ['born', DATE, 'day'],
  ['seen', TIMESTAMP, 'time'],
  ['seq', BIGINT, 'sequence'],
]

/** `count` tables of the same columns. */
export function eventTables(random: SeededRandom, count: number, late: boolean): SourceTable[] {
  const columns = EVENT_COLUMNS.map(([name, type, fill]) => ({ name, type, fill }))
  if (late) columns.push({ name: 'late_bit', type: BIGINT, fill: 'late-bit' })
  const asText = !late && random.chance(0.2)
  const computed: Item[] = []
  if (asText) {
    columns.push({ name: 'ts_text', type: STRING, fill: 'rowtime-text' })
    computed.push({ name: 'ts', expression: call('TO_TIMESTAMP text', column('ts_text', STRING)) })
  } else columns.push({ name: 'ts', type: TIMESTAMP, fill: 'rowtime' })
  if (!late) {
    const readable = columns.filter(({ fill }) => fill !== 'rowtime-text' && fill !== 'rowtime')
    const source = { random, columns: readable, noDecimalProducts: true }
    const count = random.between(2, 6)
    for (let n = 0; n < count; n++) {
      computed.push({ name: `extra_${n}`, expression: anyCall(source, COMPUTED_KINDS, 2) })
    }
  }
  const watermarkDelayMs = random.pick(DELAYS_MS)
  return Array.from({ length: count }, (_, n) => ({
    name: n === 0 ? 'events' : `events_${n}`,
    columns,
    computed,
    rowtime: 'ts',
    watermarkDelayMs,
  }))
}
