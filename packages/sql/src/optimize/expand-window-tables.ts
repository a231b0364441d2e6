/**
 * TUMBLE without a GROUP BY of its window: window_start, window_end and window_time as expressions
 * over the time column.
 *
 * What is grouped by its window has become a window aggregate before. Rows without a time belong to
 * no window and are dropped. HOP would give several rows for one, processing time a different one
 * at each look: both stay for the planner to refuse.
 */
import { type Expression, makeCall } from '@millrace/expression'
import type { LogicalNode, WindowTableNode } from '../logical/logical-plan.ts'
import { rewriteLogical } from '../logical/node-shapes.ts'
import { literal, textLiteral } from '../validate/literal.ts'

const SECOND_MS = 1000

export function expandWindowTables(plan: LogicalNode): LogicalNode {
  return rewriteLogical(plan, (node) => (node.kind === 'window-table' ? expand(node) : node))
}

function expand(node: WindowTableNode): LogicalNode {
  const { window, input, timeColumn, schema } = node
  const time = input.schema.fields[timeColumn]!
  const rowtime = !('attribute' in time.type && time.type.attribute === 'proctime')
  const wholeSeconds = window.sizeMs % SECOND_MS === 0 && window.offsetMs % SECOND_MS === 0
  if (window.kind !== 'tumble' || !rowtime || !wholeSeconds) return node
  const column: Expression = { kind: 'column', index: timeColumn, type: time.type }
  const rows: LogicalNode = time.type.nullable
    ? {
        kind: 'filter',
        input,
        condition: makeCall('is_not_null', [column]),
        schema: input.schema,
      }
    : input
  const start = windowStart(column, window.sizeMs / SECOND_MS, window.offsetMs / SECOND_MS)
  const end = shifted(start, window.sizeMs)
  const columns = input.schema.fields.map(({ type }, index): Expression => {
    return { kind: 'column', index, type }
  })
  const last = shifted(end, -1)
  const width = columns.length
  const expressions = [...columns, start, end, last].map((expression, i): Expression => {
    // The type that the window table function gives: not NULL, and window_time a time attribute.
    return i < width ? expression : { ...expression, type: schema.fields[i]!.type }
  })
  return { kind: 'project', input: rows, expressions, schema }
}

/**
 * The last multiple of `size` seconds after `offset` that is not after the time; also
 * right before 1970.
 */
function windowStart(time: Expression, size: number, offset: number): Expression {
  const whole = (value: number) => literal(String(value), { kind: 'BIGINT', nullable: false })
  const seconds = makeCall('extract', [textLiteral('EPOCH'), time])
  const rest = makeCall('mod', [makeCall('minus', [seconds, whole(offset)]), whole(size)])
  const positive = makeCall('mod', [makeCall('plus', [rest, whole(size)]), whole(size)])
  const epoch = literal(0, { kind: 'TIMESTAMP', precision: 3, nullable: false })
  return makeCall('timestampadd', [
    textLiteral('SECOND'),
    makeCall('minus', [seconds, positive]),
    epoch,
  ])
}

function shifted(time: Expression, ms: number): Expression {
  return makeCall('plus', [time, literal(ms, { kind: 'INTERVAL_DAY_TIME', nullable: false })])
}
