/** What functions, operators and casts give, by example: the reference’s documented behaviour. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ColumnBatch,
  displayValue,
  formatType,
  type JsonValue,
  type LogicalType,
  parseDate,
  parseTimestamp,
} from '@millrace/core'
import type { Expression } from '../expression.ts'
import { interpret } from '../interpreter/interpret.ts'
import { inferAggregate } from '../typing/aggregate-types.ts'
import { inferCall, makeCall, makeCase, makeCast } from '../typing/infer-call.ts'
import { FUNCTION_ALIASES, FUNCTIONS } from './function-table.ts'

const CONTEXT = {
  nowMs: () => parseTimestamp('2026-11-22 23:30:00.500'),
  localTimeZone: 'Asia/Tokyo',
}
const literal = (value: boolean | number | string | null, type: LogicalType): Expression => ({
  kind: 'literal',
  value,
  type: { ...type, nullable: value === null },
})
const text = (value: string | null) => literal(value, { kind: 'STRING', nullable: false })
const int = (value: number | null) => literal(value, { kind: 'INT', nullable: false })
const big = (value: string) => literal(value, { kind: 'BIGINT', nullable: false })
const double = (value: number | string) => literal(value, { kind: 'DOUBLE', nullable: false })
const bool = (value: boolean | null) => literal(value, { kind: 'BOOLEAN', nullable: false })
/** `12.34` as DECIMAL(precision, digits after the point). */
const dec = (value: string, precision = 10) =>
  literal(value.replace('.', ''), {
    kind: 'DECIMAL',
    precision,
    scale: value.includes('.') ? value.length - value.indexOf('.') - 1 : 0,
    nullable: false,
  })
const ts = (value: string) =>
  literal(parseTimestamp(value), { kind: 'TIMESTAMP', precision: 3, nullable: false })
const ltz = (value: string) =>
  literal(parseTimestamp(value), { kind: 'TIMESTAMP_LTZ', precision: 3, nullable: false })
const date = (value: string) => literal(parseDate(value), { kind: 'DATE', nullable: false })
const seconds = (value: number) =>
  literal(value * 1000, { kind: 'INTERVAL_DAY_TIME', nullable: false })
const months = (value: number) => literal(value, { kind: 'INTERVAL_YEAR_MONTH', nullable: false })

/** A call's value as it is displayed. */
function value(expression: Expression): JsonValue {
  return displayValue(
    interpret(expression, new ColumnBatch(0, []), 0, CONTEXT),
    expression.type,
    CONTEXT.localTimeZone,
  )
}
const call = (name: string, ...args: Expression[]) => value(makeCall(name, args))
const bare = (type: LogicalType) => formatType({ ...type, nullable: true })

const tiny = (value: number) => literal(value, { kind: 'TINYINT', nullable: false })
const small = (value: number) => literal(value, { kind: 'SMALLINT', nullable: false })
const float = (value: number) => literal(Math.fround(value), { kind: 'FLOAT', nullable: false })

test('TINYINT and SMALLINT wrap in their own width', () => {
  // Cause: both were INT inside, and 127 + 1 was 128.
  assert.equal(call('+', tiny(127), tiny(1)), -128)
  assert.equal(call('*', tiny(100), tiny(3)), 44)
  assert.equal(call('/', tiny(-128), tiny(-1)), -128)
  assert.equal(call('negate', tiny(-128)), -128)
  assert.equal(call('abs', small(-32768)), -32768)
  assert.equal(call('-', small(-32768), tiny(1)), 32767)
  assert.equal(call('+', tiny(127), int(1)), 128)
  assert.equal(call('mod', big('1000'), tiny(7)), 6)
  assert.equal(call('round', tiny(125), int(-1)), -126)
  const typeOf = (name: string, ...args: Expression[]) => bare(makeCall(name, args).type)
  assert.equal(typeOf('+', tiny(1), tiny(1)), 'TINYINT')
  assert.equal(typeOf('*', small(1), tiny(1)), 'SMALLINT')
  assert.equal(typeOf('/', big('1'), tiny(1)), 'BIGINT')
  assert.equal(typeOf('mod', big('1'), int(1)), 'INT')
  assert.equal(typeOf('+', dec('1.000'), tiny(1)), 'DECIMAL(11, 3)')
})

test('FLOAT holds singles, whatever it was computed from', () => {
  // Cause: FLOAT was DOUBLE inside, with its digits.
  assert.equal(call('+', float(0.1), float(0.2)), 0.3)
  assert.equal(call('+', float(16777216), int(1)), 16777216)
  assert.equal(call('=', float(0.1), double(0.1)), true)
  assert.equal(call('=', double(0.1), float(0.1)), true)
  assert.equal(call('/', float(1), int(3)), 0.33333334)
  const typeOf = (name: string, ...args: Expression[]) => bare(makeCall(name, args).type)
  assert.equal(typeOf('+', float(1), double(1)), 'FLOAT')
  assert.equal(typeOf('+', double(1), float(1)), 'DOUBLE')
  assert.equal(typeOf('*', float(1), big('1')), 'FLOAT')
  assert.equal(typeOf('-', float(1), dec('1.5')), 'DOUBLE')
  assert.equal(typeOf('greatest', float(1), double(1)), 'DOUBLE')
  assert.equal(typeOf('sqrt', float(1)), 'DOUBLE')
  assert.equal(typeOf('round', float(1), int(1)), 'FLOAT')
  const FLOAT_TYPE: LogicalType = { kind: 'FLOAT', nullable: true }
  const STRING_TYPE: LogicalType = { kind: 'STRING', nullable: true }
  assert.equal(value(makeCast(float(0.1), STRING_TYPE)), '0.1')
  assert.equal(value(makeCast(float(3.4e38), STRING_TYPE)), '3.4E38')
  assert.equal(value(makeCast(double(1e300), FLOAT_TYPE)), 'Infinity')
  assert.equal(value(makeCast(float(0.1), { kind: 'DOUBLE', nullable: true })), 0.10000000149011612)
  assert.equal(value(makeCast(text('0.1'), FLOAT_TYPE)), 0.1)
  assert.equal(value(makeCast(float(300), { kind: 'TINYINT', nullable: true })), 44)
  assert.equal(value(makeCast(double(1e300), { kind: 'TINYINT', nullable: true })), -1)
})

test('a cast to CHAR(n) cuts and pads by characters, one to VARCHAR(n) cuts', () => {
  const char = (length: number): LogicalType => ({
    kind: 'STRING',
    length,
    fixed: true,
    nullable: true,
  })
  const varchar = (length: number): LogicalType => ({ kind: 'STRING', length, nullable: true })
  assert.equal(value(makeCast(text('abc'), char(5))), 'abc  ')
  assert.equal(value(makeCast(text('😀bcdef'), char(3))), '😀bc')
  assert.equal(value(makeCast(text('😀'), char(2))), '😀 ')
  assert.equal(value(makeCast(text('abcdef'), varchar(3))), 'abc')
  assert.equal(value(makeCast(int(12345), varchar(3))), '123')
  assert.equal(value(makeCast(bool(true), char(2))), 'TR')
  assert.equal(value(makeCast(text('abcdef'), varchar(3), true)), 'abc', 'TRY_CAST cuts too')
})

test('GREATEST and LEAST order doubles wholly: -0 before 0, NaN last', () => {
  assert.equal(call('least', double(0), double('-0')), '-0.0')
  assert.equal(call('least', double('-0'), double(0)), '-0.0')
  assert.ok(Object.is(call('greatest', double('-0'), double(0)), 0))
  assert.equal(call('greatest', double('NaN'), double(1)), 'NaN')
  assert.equal(call('least', double('NaN'), double(1)), 1)
})

test('integers divide towards zero and wrap, decimals round half up, doubles follow IEEE', () => {
  assert.equal(call('/', int(-7), int(2)), -3)
  assert.equal(call('%', int(-7), int(2)), -1)
  assert.equal(call('+', int(2147483647), int(1)), -2147483648)
  assert.equal(call('*', big('9223372036854775807'), int(2)), -2)
  assert.equal(call('+', int(1), big('2')), 3)
  assert.equal(call('/', double(1), double(0)), 'Infinity')
  assert.equal(call('+', dec('1.25'), dec('2.5')), '3.75')
  assert.equal(call('*', dec('1.5'), dec('2.25')), '3.375')
  assert.equal(call('/', dec('1.0', 3), dec('3.0', 3)), '0.333333')
  assert.equal(call('-', dec('1.5'), int(2)), '-0.5')
  assert.throws(() => call('/', int(1), int(0)), { code: 'DIVISION_BY_ZERO' })
  assert.throws(() => call('*', dec('999999999999999999', 18), dec('10', 18)), {
    code: 'NUMBER_OVERFLOW',
  })
})

test('result types follow the promotion rules', () => {
  const type = (name: string, ...args: Expression[]) => bare(makeCall(name, args).type)
  assert.equal(type('+', int(1), big('1')), 'BIGINT')
  assert.equal(type('/', int(1), int(1)), 'INT')
  assert.equal(type('+', dec('1.5'), double(1)), 'DOUBLE')
  assert.equal(type('+', dec('1.25', 10), dec('1.5', 8)), 'DECIMAL(11, 2)')
  assert.equal(type('*', dec('1.25', 10), dec('1.5', 12)), 'DECIMAL(18, 3)')
  assert.equal(type('-', ts('2026-01-01 00:00:00'), seconds(1)), 'TIMESTAMP(3)')
  assert.equal(type('+', date('2026-01-01'), months(1)), 'DATE')
  assert.equal(makeCall('upper', [text('a')]).type.nullable, false)
  assert.equal(makeCall('upper', [text(null)]).type.nullable, true)
  assert.equal(makeCall('split_index', [text('a'), text(','), int(0)]).type.nullable, true)
})

test('logic has three values', () => {
  assert.equal(call('and', bool(false), bool(null)), false)
  assert.equal(call('and', bool(true), bool(null)), null)
  assert.equal(call('or', bool(true), bool(null)), true)
  assert.equal(call('or', bool(false), bool(null)), null)
  assert.equal(call('not', bool(null)), null)
  assert.equal(call('is_not_true', bool(null)), true)
  assert.equal(call('in', int(1), int(2), int(null)), null)
  assert.equal(call('in', int(2), int(2), int(null)), true)
  assert.equal(call('=', text(null), text('a')), null)
})

test('texts are cut, padded, searched and matched by characters', () => {
  assert.equal(call('substring', text('größe😀x'), int(3), int(5)), 'öße😀x')
  assert.equal(call('substring', text('flink'), int(-3), int(2)), 'in')
  assert.equal(call('char_length', text('😀x')), 2)
  assert.equal(call('position', text('x'), text('😀x')), 2)
  assert.equal(call('trim', text('LEADING'), text('xxaxx'), text('x')), 'axx')
  assert.equal(call('lpad', text('ab'), int(5), text('xy')), 'xyxab')
  assert.equal(call('rpad', text('abc'), int(2), text('x')), 'ab')
  assert.equal(call('initcap', text('hello WORLD')), 'Hello World')
  assert.equal(call('reverse', text('a😀')), '😀a')
  assert.equal(call('concat_ws', text(','), text('a'), text(null), text('b')), 'a,b')
  assert.equal(call('||', text('a'), int(5)), 'a5')
  assert.equal(call('regexp_extract', text('foothebar'), text('foo(.*?)(bar)'), int(2)), 'bar')
  // The replacement stands as it is, and a pattern that is none finds nothing.
  assert.equal(call('regexp_replace', text('a1b2'), text('(\\d)'), text('<$1>')), 'a<$1>b<$1>')
  assert.equal(call('regexp_replace', text('a'), text('('), text('x')), null)
  assert.equal(call('regexp_extract', text('a'), text('(')), null)
  assert.equal(call('regexp', text('a'), text('(')), false)
  assert.equal(call('regexp', text('a'), text('')), false)
  assert.equal(call('locate', text('h'), text('hello'), int(0)), 1)
  assert.equal(call('instr', text('corporate floor'), text('or'), int(3), int(2)), 14)
  assert.equal(call('instr', text('corporate floor'), text('or'), int(-3), int(2)), 2)
  assert.equal(call('instr', text('a'), text('a'), int(0)), 0)
  assert.equal(call('lpad', text('hi'), int(2), text('')), null)
  assert.equal(call('split_index', text('a,b,c'), text(','), int(1)), 'b')
  assert.equal(call('split_index', text('a'), text(','), int(4)), null)
  assert.equal(call('right', text('hello'), int(2)), 'lo')
})

test('LIKE knows runs, single characters and an escape', () => {
  const cases: [string, string, string | null, boolean][] = [
    ['hello', 'h%o', null, true],
    ['hello', 'h_llo', null, true],
    ['hello', 'ello', null, false],
    ['a%b', 'a\\%b', '\\', true],
    ['axb', 'a\\%b', '\\', false],
    ['a.b', 'a.b', null, true],
    ['axb', 'a.b', null, false],
    ['two\nlines', 'two%', null, true],
    ['two\nlines', 't_o%l%', null, true],
    ['a\nb', 'a_b', null, false],
  ]
  for (const [value, pattern, escapeBy, expected] of cases) {
    const args = [text(value), text(pattern), ...(escapeBy === null ? [] : [text(escapeBy)])]
    assert.equal(call('like', ...args), expected, `${value} LIKE ${pattern}`)
    assert.equal(call('not_like', ...args), !expected)
  }
})

test('numbers are rounded through their decimal form', () => {
  assert.equal(call('round', double(2.675), int(2)), 2.68)
  assert.equal(call('round', double(-2.5)), -3)
  // Decimal numbers have no -0.
  for (const x of [-0.4, -0, -1e-9]) {
    assert.ok(Object.is(call('round', double(x)), 0), `ROUND(${x})`)
    assert.ok(Object.is(call('round', double(x), int(1)), x === -0.4 ? -0.4 : 0), `ROUND(${x}, 1)`)
    assert.ok(Object.is(call('truncate', double(x)), 0), `TRUNCATE(${x})`)
  }
  assert.equal(call('ceil', double(-0.4)), '-0.0')
  assert.equal(call('round', int(155), int(-1)), 160)
  assert.equal(call('round', dec('2.345'), int(2)), '2.350')
  assert.equal(call('floor', dec('-2.5')), '-3')
  assert.equal(call('truncate', double(-2.679), int(2)), -2.67)
  assert.equal(call('greatest', int(1), double(2.5), big('2')), 2.5)
  assert.equal(call('least', text('b'), text('a')), 'a')
  assert.equal(call('sign', dec('-2.50')), '-1.00')
  // Results with one whole digit more than the argument's type has.
  assert.equal(call('sign', dec('0.05', 2)), '1.00')
  assert.equal(call('round', dec('9.99', 3), int(1)), '10.00')
  assert.equal(call('power', int(2), int(10)), 1024)
})

test('times are taken apart, rounded and moved by the calendar', () => {
  const time = ts('2026-11-22 10:15:30.123')
  assert.equal(call('extract', text('QUARTER'), time), 4)
  assert.equal(call('extract', text('DOW'), time), 1)
  assert.equal(call('week', date('2027-01-01')), 53)
  assert.equal(call('dayofyear', date('2024-12-31')), 366)
  assert.equal(call('hour', ltz('2026-11-22 23:30:00')), 8)
  assert.equal(call('floor_to', time, text('HOUR')), '2026-11-22 10:00:00.000')
  assert.equal(call('ceil_to', time, text('MONTH')), '2026-12-01 00:00:00.000')
  assert.equal(call('floor_to', ltz('2026-11-22 20:00:00'), text('DAY')), '2026-11-23 00:00:00.000')
  assert.equal(call('timestampadd', text('MONTH'), int(3), time), '2027-02-22 10:15:30.123')
  assert.equal(
    call('timestampdiff', text('MONTH'), ts('2026-01-31 00:00:00'), ts('2026-03-30 00:00:00')),
    1,
  )
  assert.equal(call('-', time, seconds(10)), '2026-11-22 10:15:20.123')
  assert.equal(call('+', ts('2024-01-31 01:00:00'), months(1)), '2024-02-29 01:00:00.000')
  assert.throws(() => call('year', makeCall('+', [time, seconds(1e15)])), {
    code: 'FUNCTION_VALUE_INVALID',
  })
  assert.throws(() => call('floor_to', time, text('FORTNIGHT')), { code: 'FUNCTION_VALUE_INVALID' })
})

test('times are read and written by Java patterns', () => {
  const time = ts('2026-11-02 14:05:30.123')
  assert.equal(
    call('date_format', time, text("EEE d MMM yy, hh:mm a 'o''clock' SSS")),
    "Mon 2 Nov 26, 02:05 PM o'clock 123",
  )
  assert.equal(
    call('to_timestamp', text('02/11/2026 14:05'), text('dd/MM/yyyy HH:mm')),
    '2026-11-02 14:05:00.000',
  )
  assert.equal(
    call('to_timestamp', text('20261102140530'), text('yyyyMMddHHmmss')),
    '2026-11-02 14:05:30.000',
  )
  assert.equal(call('to_timestamp', text('no time')), null)
  assert.equal(call('to_date', text('31.12.2026'), text('dd.MM.yyyy')), '2026-12-31')
  assert.equal(call('to_timestamp_ltz', big('1000'), int(0)), '1970-01-01 09:16:40.000')
  assert.equal(call('from_unixtime', big('0')), '1970-01-01 09:00:00')
  assert.equal(call('unix_timestamp', text('1970-01-01 09:00:01')), 1)
  assert.equal(call('date_format', ts('2020-12-31 00:06:07'), text('YYYY Q k K')), '2021 4 24 0')
  assert.throws(() => call('date_format', time, text('b')), { code: 'FUNCTION_VALUE_INVALID' })
  assert.equal(call('to_timestamp', text('2020-01-02 03:04:05'), text('nonsense')), null)
  // As lenient as the reference: days run over, what follows is not read, and no time is
  // the least BIGINT.
  assert.equal(call('unix_timestamp', text('2021-02-30 09:00:00')), 1614643200)
  assert.equal(call('unix_timestamp', text('1970-01-01 09:00:01.999')), 1)
  assert.equal(call('unix_timestamp', text('1970-01-02')), '-9223372036854775808')
})

test('months between times count as the reference counts them, at month ends too', () => {
  const between = (from: string, to: string) =>
    call('timestampdiff', text('MONTH'), ts(from), ts(to))
  assert.equal(between('2020-01-31', '2020-02-29'), 1)
  assert.equal(between('2020-02-29', '2020-01-31 23:59:59.999'), -1)
  assert.equal(between('2020-01-31 12:00:00', '2020-02-29 10:00:00'), 0)
  assert.equal(between('2020-01-15', '2021-01-14'), 11)
  assert.equal(between('2021-01-14', '2020-01-15'), -11)
})

test('parts below a second are of the fraction alone, and a DATE stays a DATE when shifted', () => {
  const part = (unit: string) => call('extract', text(unit), ts('2020-01-02 03:04:59.678'))
  assert.equal(part('MILLISECOND'), 678)
  assert.equal(part('MICROSECOND'), 678_000)
  assert.equal(part('NANOSECOND'), 678_000_000)
  assert.equal(part('MILLENNIUM'), 3)
  assert.equal(call('+', date('2020-01-02'), seconds(25 * 3600)), '2020-01-03')
  assert.equal(call('-', date('2020-01-02'), seconds(3600)), '2020-01-02')
  assert.throws(() => call('%', double(5), int(2)), { code: 'FUNCTION_ARGUMENTS' })
})

test('a text beside a number is read as the number, beside a BOOLEAN as text', () => {
  assert.equal(call('>', text('10'), int(9)), true)
  assert.equal(call('in', int(2), text('1'), text('2')), true)
  assert.equal(call('=', bool(true), text('true')), false)
  assert.equal(call('=', bool(true), text('TRUE')), true)
  assert.throws(() => call('=', text('1'), int(1)), { code: 'FUNCTION_ARGUMENTS' })
  assert.throws(() => call('<', text('x'), int(1)), { code: 'CAST_FAILED' })
})

test('CAST reads a TIMESTAMP with its seconds and without a T, and clamps a day', () => {
  const TIMESTAMP: LogicalType = { kind: 'TIMESTAMP', precision: 3, nullable: true }
  const read = (value_: string) => value(makeCast(text(value_), TIMESTAMP, true))
  assert.equal(read('2020-1-2 3:4:5'), '2020-01-02 03:04:05.000')
  assert.equal(read('2020-04-31 00:00:00'), '2020-04-30 00:00:00.000')
  assert.equal(read('2020-01-02 24:00:00'), '2020-01-03 00:00:00.000')
  for (const bad of [
    '2020-01-02 03:04',
    '2020-01-02T03:04:05',
    '2020-01-02 24:00:01',
    '2020-13-01',
  ]) {
    assert.equal(read(bad), null, bad)
  }
  const DATE: LogicalType = { kind: 'DATE', nullable: true }
  assert.equal(value(makeCast(text('2021-02-29'), DATE, true)), null)
  assert.equal(value(makeCast(text(' true'), { kind: 'BOOLEAN', nullable: true }, true)), null)
})

test('the clock and the zone come from the context', () => {
  assert.equal(call('current_timestamp'), '2026-11-23 08:30:00.500')
  assert.equal(call('localtimestamp'), '2026-11-23 08:30:00.500')
  assert.equal(call('current_date'), '2026-11-23')
})

test('casts follow the reference, and a bad value fails or is NULL under TRY_CAST', () => {
  const to = (operand: Expression, type: LogicalType, safe = false) =>
    value(makeCast(operand, type, safe))
  const INT: LogicalType = { kind: 'INT', nullable: true }
  const STRING: LogicalType = { kind: 'STRING', nullable: true }
  assert.equal(to(text(' 12.9 '), INT), 12)
  assert.equal(to(double(1e20), INT), 2147483647)
  assert.equal(to(double('NaN'), INT), 0)
  assert.equal(to(big('4294967297'), INT), 1)
  assert.equal(to(bool(true), STRING), 'TRUE')
  assert.equal(to(double(1), STRING), '1.0')
  assert.equal(to(dec('1.50'), STRING), '1.50')
  assert.equal(to(seconds(-93_784.005), STRING), '-1 02:03:04.005')
  assert.equal(to(months(14), STRING), '+1-02')
  assert.equal(
    to(double(2.345), { kind: 'DECIMAL', precision: 4, scale: 2, nullable: true }),
    '2.35',
  )
  assert.equal(to(ltz('2026-11-22 23:30:00'), STRING), '2026-11-23 08:30:00.000')
  assert.equal(to(ts('2026-11-22 23:30:00'), { kind: 'DATE', nullable: true }), '2026-11-22')
  assert.equal(to(text('yes'), { kind: 'BOOLEAN', nullable: true }), true)
  assert.equal(to(text('2147483648'), INT, true), null)
  assert.throws(() => to(text('abc'), INT), {
    code: 'CAST_FAILED',
    message: "Cannot cast to INT; the value is 'abc'.",
  })
  assert.throws(() => makeCast(bool(true), { kind: 'DATE', nullable: true }), {
    code: 'CAST_UNSUPPORTED',
  })
})

test('CASE takes the common type of its results and is NULL without ELSE', () => {
  // biome-ignore lint/suspicious/noThenProperty: the field of a CASE branch
  const expression = makeCase([{ when: bool(false), then: int(1) }], double(2))
  assert.equal(bare(expression.type), 'DOUBLE')
  assert.equal(value(expression), 2)
  // biome-ignore lint/suspicious/noThenProperty: the field of a CASE branch
  assert.equal(value(makeCase([{ when: bool(null), then: int(1) }])), null)
})

test('a text beside a time is read as that time', () => {
  assert.equal(call('<', ts('2026-01-01 00:00:00'), text('2026-01-02')), true)
  assert.equal(call('=', date('2026-01-01'), ts('2026-01-01 00:00:00')), true)
})

test('wrong calls say what the function takes and which name is near', () => {
  const error = (name: string, types: LogicalType[]) => {
    const inferred = inferCall(name, types)
    assert.ok(!inferred.ok)
    return inferred.error
  }
  const unknown = error('UPPR', [])
  assert.equal(unknown.code, 'FUNCTION_UNKNOWN')
  assert.equal(unknown.hint, "Did you mean 'UPPER'?")
  const wrong = error('+', [text('a').type, int(1).type])
  assert.equal(
    wrong.message,
    'Give + two numbers, or a time and an interval; it has (STRING, INT).',
  )
  assert.equal(error('substring', [text('a').type]).code, 'FUNCTION_ARGUMENTS')
})

test('aggregates have the reference’s result types', () => {
  const type = (name: string, argument: LogicalType | null) => {
    const inferred = inferAggregate(name, argument)
    return inferred.ok ? formatType(inferred.type) : inferred.error.code
  }
  assert.equal(type('COUNT', null), 'BIGINT NOT NULL')
  assert.equal(type('SUM', int(1).type), 'INT')
  assert.equal(type('avg', dec('1.5').type), 'DECIMAL(18, 6)')
  assert.equal(type('MAX', ts('2026-01-01 00:00:00').type), 'TIMESTAMP(3)')
  assert.equal(type('SUM', text('a').type), 'FUNCTION_ARGUMENTS')
})

test('every alias leads to a function', () => {
  for (const target of Object.values(FUNCTION_ALIASES)) assert.ok(FUNCTIONS.has(target), target)
})

test('texts become codes and come back', () => {
  assert.equal(call('chr', int(65)), 'A')
  assert.equal(call('bin', int(5)), '101')
  assert.equal(call('hex', int(255)), 'FF')
  assert.equal(call('hex', int(-1)), 'F'.repeat(16))
  assert.equal(call('hex', text('aé')), '61C3A9')
  assert.equal(call('to_base64', text('hé')), 'aMOp')
  assert.equal(call('from_base64', text('aMOp')), 'hé')
  assert.equal(call('from_base64', text('%')), null)
  assert.equal(call('url_encode', text('a b&c=é~')), 'a+b%26c%3D%C3%A9%7E')
  assert.equal(call('url_decode', text('a+b%26c')), 'a b&c')
  assert.equal(call('url_decode', text('%zz')), null)
})

test('texts are searched and overlaid by code points', () => {
  assert.equal(call('locate', text('l'), text('hello'), int(4)), 4)
  assert.equal(call('locate', text('l'), text('hello')), 3)
  assert.equal(call('locate', text('h'), text('hello'), int(2)), 0)
  assert.equal(call('instr', text('hello'), text('l')), 3)
  assert.equal(call('startswith', text('hello'), text('he')), true)
  assert.equal(call('endswith', text('hello'), text('he')), false)
  assert.equal(call('overlay', text('abcdef'), text('XX'), int(2), int(3)), 'aXXef')
  assert.equal(call('overlay', text('abcdef'), text('XX'), int(2)), 'aXXdef')
  assert.equal(call('overlay', text('abc'), text('XX'), int(9)), 'abc')
})

test('logarithms, angles and their inverses', () => {
  assert.equal(call('log', double(1)), 0)
  assert.equal(call('log', int(2), int(8)), 3)
  assert.equal(call('degrees', double(Math.PI)), 180)
  assert.equal(call('radians', int(180)), Math.PI)
  assert.equal(call('atan2', int(0), int(1)), 0)
  assert.equal(call('e'), Math.E)
})

test('IS DISTINCT FROM takes NULL as a value like others', () => {
  assert.equal(call('is_distinct_from', int(1), int(null)), true)
  assert.equal(call('is_distinct_from', int(null), int(null)), false)
  assert.equal(call('is_not_distinct_from', int(null), int(null)), true)
  assert.equal(call('is_not_distinct_from', dec('1.0'), int(1)), true)
  assert.equal(call('is_distinct_from', text('a'), text('b')), true)
})
