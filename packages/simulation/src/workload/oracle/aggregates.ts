/** Aggregates over the rows of one group, by definition: collect the values, then compute. */
import { evaluate } from '../model/expression.ts'
import { type Aggregate, typeOfAggregate } from '../model/query.ts'
import { divideHalfAway, type Row, type SqlValue, scaleOf } from '../model/sql-type.ts'
import { compareValues } from '../operators/logic-operators.ts'
import { groupKey } from './group-key.ts'

export function aggregateOf(call: Aggregate, rows: readonly Row[]): SqlValue {
  const { filter, argument } = call
  const kept = filter === null ? rows : rows.filter((row) => evaluate(filter, row) === true)
  if (argument === null) return BigInt(kept.length)
  let values = kept.map((row) => evaluate(argument, row)).filter((value) => value !== null)
  if (call.distinct) values = [...new Map(values.map((v) => [groupKey([v]), v])).values()]
  if (call.function === 'COUNT') return BigInt(values.length)
  if (values.length === 0) return null
  switch (call.function) {
    case 'MIN':
    case 'MAX': {
      const wanted = call.function === 'MIN' ? -1 : 1
      return values.reduce((best, value) => {
        const order = compareValues(value, best, argument.type, argument.type)
        // -0 and 0 compare as equal, and yet -0 is the smaller.
        return (order === 0 ? signOfZero(value) - signOfZero(best) : order) * wanted > 0
          ? value
          : best
      })
    }
    case 'SUM':
      return sumOf(values, call)
    case 'AVG':
      return averageOf(values, call)
  }
}

function signOfZero(value: SqlValue): number {
  return Object.is(value, -0) ? -1 : 0
}

/** At least one value; -0 alone adds up to -0. */
function total(values: readonly SqlValue[]): number | bigint {
  if (typeof values[0] === 'bigint') return (values as bigint[]).reduce((a, b) => a + b)
  return (values as number[]).reduce((a, b) => a + b)
}

function sumOf(values: readonly SqlValue[], call: Aggregate): SqlValue {
  const sum = total(values)
  const { kind } = typeOfAggregate(call)
  if (kind === 'INT') return Number(BigInt.asIntN(32, BigInt(sum)))
  return kind === 'BIGINT' ? BigInt.asIntN(64, sum as bigint) : sum
}

/**
 * AVG of whole numbers drops the fraction, of decimals rounds at six digits or the scale. The sum
 * that AVG of BIGINT divides is a BIGINT, too: it wraps, whatever the order of its rows.
 */
function averageOf(values: readonly SqlValue[], call: Aggregate): SqlValue {
  const sum = total(values)
  const type = typeOfAggregate(call)
  if (typeof sum === 'number') {
    const average = sum / values.length
    return (type.kind === 'INT' ? Math.trunc(average) : average) + 0
  }
  const count = BigInt(values.length)
  if (type.kind !== 'DECIMAL') return BigInt.asIntN(64, sum) / count
  const up = scaleOf(type) - scaleOf(call.argument!.type)
  return divideHalfAway(sum * 10n ** BigInt(up), count)
}
