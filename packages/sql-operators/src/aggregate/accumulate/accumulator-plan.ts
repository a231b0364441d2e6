/**
 * What a list of aggregate calls keeps a group: 8-byte words, shared between calls
 * wherever they agree.
 *
 * Word 0 counts rows. AVG, SUM, MIN and MAX over one argument share one count of its non-NULL
 * values; AVG and SUM share the sum.
 * Doubles, 32-bit integers, booleans and times live as doubles, BIGINT and DECIMAL as 64-bit
 * integers, texts as entries of a `StringHeap`. The same plan drives the update loop, the merge
 * loop, the wire between the two phases, and the state.
 */
import { type LogicalType, type PhysicalType, physicalTypeOf } from '@millrace/core'
import type { Expression } from '@millrace/expression'
import { sqlOperatorError } from '../../error-codes.ts'
import type { AggregateCall } from '../../operator-config.ts'

export type WordStorage = 'f64' | 'i64' | 'str'

/** One (argument, filter, distinct) that one or more calls read. */
export interface AccumulatorInput {
  readonly argument: Expression | null
  readonly filter: Expression | null
  readonly distinct: boolean
  /** Of its calls. */
  readonly origin: string | null
  readonly since: number
  readonly countedRows: boolean
  /** The argument's layout; null for COUNT(*). */
  readonly physical: PhysicalType | null
  readonly countWord: number
}

export interface AccumulatorWord {
  readonly kind: 'count' | 'sum' | 'min' | 'max'
  /** Index in `inputs`; -1 for the row count. */
  readonly input: number
  readonly storage: WordStorage
  /**
   * A sum of FLOATs that is rounded to a single at each step, as SUM adds them; AVG
   * adds in doubles.
   */
  readonly single?: true
}

/** How a call's result is made from the words. */
export interface AggregateResult {
  readonly call: AggregateCall
  readonly input: number
  readonly countWord: number
  /** Sum, minimum or maximum; the count itself for COUNT. */
  readonly valueWord: number
  readonly argumentType: LogicalType | null
  readonly storage: WordStorage
}

export interface AccumulatorPlan {
  readonly inputs: readonly AccumulatorInput[]
  readonly words: readonly AccumulatorWord[]
  readonly results: readonly AggregateResult[]
}

export function planAccumulators(calls: readonly AggregateCall[]): AccumulatorPlan {
  const inputs: AccumulatorInput[] = []
  const words: AccumulatorWord[] = [{ kind: 'count', input: -1, storage: 'f64' }]
  const known = new Map<string, number>()

  const wordOf = (
    kind: AccumulatorWord['kind'],
    input: number,
    storage: WordStorage,
    single = false,
  ): number => {
    const at = words.findIndex(
      (word) => word.kind === kind && word.input === input && (word.single ?? false) === single,
    )
    if (at >= 0) return at
    words.push({ kind, input, storage, ...(single ? { single } : {}) })
    return words.length - 1
  }

  const inputOf = (call: AggregateCall): number => {
    const { argument, filter } = call
    if (argument === null && filter === null) return -1
    // DISTINCT changes neither the smallest nor the largest value.
    const distinct = call.distinct && call.function !== 'MIN' && call.function !== 'MAX'
    const { since = null } = call
    const name = JSON.stringify([argument, filter, distinct, since])
    const at = known.get(name)
    if (at !== undefined) return at
    const index = inputs.length
    known.set(name, index)
    const alwaysThere =
      since === null && filter === null && !distinct && argument?.type.nullable === false
    inputs.push({
      argument,
      filter,
      distinct,
      origin: call.origin ?? null,
      since: since ?? 0,
      countedRows: calls.some(
        (other) => other.origin === call.origin && other.countedRows === true,
      ),
      physical: argument === null ? null : physicalTypeOf(argument.type),
      countWord: alwaysThere ? 0 : wordOf('count', index, 'f64'),
    })
    return index
  }

  const results = calls.map((call): AggregateResult => {
    const input = inputOf(call)
    const countWord = input < 0 ? 0 : (inputs[input] as AccumulatorInput).countWord
    const argumentType = call.argument?.type ?? null
    const base = { call, input, countWord, argumentType }
    if (call.function === 'COUNT') return { ...base, valueWord: countWord, storage: 'f64' }
    const storage = storageOf(call)
    const kind =
      call.function === 'MIN' ? 'min' : call.function === 'MAX' ? 'max' : ('sum' as const)
    const single = call.function === 'SUM' && argumentType?.kind === 'FLOAT'
    return { ...base, valueWord: wordOf(kind, input, storage, single), storage }
  })
  return { inputs, words, results }
}

function storageOf(call: AggregateCall): WordStorage {
  const type = call.argument?.type
  const sums = call.function === 'SUM' || call.function === 'AVG'
  const refused =
    type === undefined ||
    (sums &&
      (type.kind === 'STRING' ||
        type.kind === 'BOOLEAN' ||
        type.kind === 'TIMESTAMP' ||
        type.kind === 'TIMESTAMP_LTZ' ||
        type.kind === 'DATE'))
  if (refused) {
    throw sqlOperatorError(
      'AGGREGATE_NOT_SUPPORTED',
      `Use ${call.function} over a ${sums ? 'number' : 'column'}; its argument is ${type?.kind ?? 'missing'}.`,
    )
  }
  const physical = physicalTypeOf(type)
  return physical === 'i64' ? 'i64' : physical === 'str' ? 'str' : 'f64'
}

/**
 * Whether a local phase can pre-aggregate: a DISTINCT needs every value at the place
 * that counts it.
 */
export function isMergeable(plan: AccumulatorPlan): boolean {
  return plan.inputs.every((input) => !input.distinct)
}

/**
 * Whether the values of input `k` are counted: for DISTINCT, and for MIN and MAX of rows that
 * may be retracted.
 */
export function isCounted(plan: AccumulatorPlan, k: number, signed: boolean): boolean {
  const extremes = plan.words.some((word) => word.input === k && isExtreme(word))
  return plan.inputs[k]!.distinct || (signed && extremes)
}

function isExtreme(word: AccumulatorWord): boolean {
  return word.kind === 'min' || word.kind === 'max'
}
