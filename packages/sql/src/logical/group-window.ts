/**
 * The older form of windows: GROUP BY TUMBLE(ts, size) or HOP(ts, slide, size), with
 * TUMBLE_START(ts, size) … in SELECT.
 */
import type { LogicalType } from '@millrace/core'
import type { Expression } from '@millrace/expression'
import type { WindowProperty, WindowSpec } from '@millrace/sql-operators'
import { raise } from '../error-codes.ts'
import type { CallSyntax, ExpressionSyntax } from '../parse/syntax-tree.ts'
import type { Scope } from '../validate/scope.ts'
import type { LogicalContext } from './logical-context.ts'
import { checkTimeAttribute, windowSpec } from './window-spec.ts'

const TIMESTAMP_3: LogicalType = { kind: 'TIMESTAMP', precision: 3, nullable: false }

type WindowContext = Pick<LogicalContext, 'localTimeZone' | 'batch'>

export class GroupWindow {
  readonly window: WindowSpec
  /** The time attribute. */
  readonly time: Expression & { kind: 'column' }
  readonly attribute: 'rowtime' | 'proctime'
  readonly #name: 'TUMBLE' | 'HOP'
  readonly #scope: Scope

  private constructor(
    name: 'TUMBLE' | 'HOP',
    call: CallSyntax,
    scope: Scope,
    context: WindowContext,
  ) {
    this.#name = name
    this.#scope = scope
    const { time, window } = readArguments(name, call, scope)
    const field = scope.columns[time.index] as (typeof scope.columns)[number]
    this.attribute = checkTimeAttribute(field, call.args[0]?.span ?? call.span, context)
    this.time = time
    this.window = window
  }

  /** The window that a GROUP BY item is; null when it is none. */
  static of(item: ExpressionSyntax, scope: Scope, context: WindowContext): GroupWindow | null {
    if (item.kind !== 'call') return null
    const name = item.name.toUpperCase()
    if (name !== 'TUMBLE' && name !== 'HOP') return null
    return new GroupWindow(name, item, scope, context)
  }

  /**
   * What TUMBLE_START(…) and its kin mean; null for another function. Throws when its arguments are
   * not the window's.
   */
  property(call: CallSyntax): { property: WindowProperty; type: LogicalType } | null {
    const name = call.name.toUpperCase()
    const [base, suffix] = [name.slice(0, name.indexOf('_')), name.slice(name.indexOf('_') + 1)]
    if (base !== this.#name || !name.includes('_')) return null
    const { time, window } = readArguments(this.#name, call, this.#scope)
    const same =
      time.index === this.time.index && JSON.stringify(window) === JSON.stringify(this.window)
    if (!same) {
      throw raise(
        'SQL_INVALID',
        call.span,
        `The arguments of ${name} differ from those of ${base} in GROUP BY.`,
      )
    }
    if (suffix === 'START') return { property: 'window_start', type: TIMESTAMP_3 }
    if (suffix === 'END') return { property: 'window_end', type: TIMESTAMP_3 }
    if (suffix === 'PROCTIME') {
      const type: LogicalType = {
        kind: 'TIMESTAMP_LTZ',
        precision: 3,
        nullable: false,
        attribute: 'proctime',
      }
      return { property: 'proctime', type }
    }
    if (this.attribute === 'proctime') {
      throw raise(
        'SQL_INVALID',
        call.span,
        `${name} needs event time; the window is over processing time.`,
        `Use ${base}_PROCTIME.`,
      )
    }
    const kind = this.time.type.kind === 'TIMESTAMP_LTZ' ? 'TIMESTAMP_LTZ' : 'TIMESTAMP'
    const type: LogicalType = { kind, precision: 3, nullable: false, attribute: 'rowtime' }
    return { property: 'window_time', type }
  }
}

function readArguments(
  name: 'TUMBLE' | 'HOP',
  call: CallSyntax,
  scope: Scope,
): { time: Expression & { kind: 'column' }; window: WindowSpec } {
  const [time, ...intervals] = call.args
  const counts = name === 'TUMBLE' ? [1, 2] : [2, 3]
  if (!counts.includes(intervals.length) || time?.kind !== 'name') {
    const shape = name === 'TUMBLE' ? "(ts, INTERVAL '1' MINUTE)" : '(ts, slide, size)'
    throw raise(
      'SQL_INVALID',
      call.span,
      `${call.name.toUpperCase()} takes a time column and its intervals: ${shape}.`,
    )
  }
  const index = scope.resolve(time.parts, time.span)
  const column = scope.columns[index] as (typeof scope.columns)[number]
  return {
    time: { kind: 'column', index, type: column.type },
    window: windowSpec(name, intervals, call.span, 'group'),
  }
}
