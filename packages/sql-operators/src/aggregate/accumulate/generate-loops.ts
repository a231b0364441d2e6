/**
 * Generated accumulator loops: rows into slots, pre-aggregated rows into slots, slots into slots.
 *
 * The text is made of fixed phrases and whole numbers from the plan alone; nothing of a user's
 * reaches it. Columns come in as data. One loop over the batch for all aggregates: a row's words
 * lie side by side. Measured in window-aggregate.bench.ts.
 */
import type { Column, StringPool, TableTexts } from '@millrace/core'
import { CodeBuilder } from '@millrace/expression'
import { type AccumulatorPlan, type AccumulatorWord, isCounted } from './accumulator-plan.ts'
import type { CountedInput, Place } from './accumulators.ts'

export interface LoopOptions {
  /** Some argument or filter column has a nulls array. */
  readonly nullable: boolean
  /**
   * Rows come with a sign, -1 for a retraction; MIN and MAX are then left to the counted values.
   */
  readonly signed: boolean
}

/**
 * `columns`: argument and filter columns by input, `[argument 0, filter 0, argument 1, …]`; null
 * where there is none.
 */
export type UpdateLoop = (
  rowCount: number,
  slots: Int32Array,
  words: Float64Array,
  longs: BigInt64Array,
  heap: TableTexts,
  counts: readonly (CountedInput | null)[],
  columns: readonly (Column | null)[],
  signs: Int8Array | null,
) => void

/** `columns`: one accumulator column a word. */
export type MergeLoop = (
  rowCount: number,
  slots: Int32Array,
  words: Float64Array,
  longs: BigInt64Array,
  heap: TableTexts,
  columns: readonly Column[],
) => void

/**
 * Words of slots `from[0 … count)` of one table into those of slots `slots[0 … count)` of another.
 */
export type MergeSlots = (
  count: number,
  from: Int32Array,
  fromWords: Float64Array,
  fromLongs: BigInt64Array,
  fromPool: StringPool,
  slots: Int32Array,
  words: Float64Array,
  longs: BigInt64Array,
  heap: TableTexts,
) => void

export function generateUpdateLoop(
  plan: AccumulatorPlan,
  options: LoopOptions,
  { stride, first }: Place,
): UpdateLoop {
  const head: string[] = []
  const body: string[] = []
  const unit = options.signed ? 'g' : '1'
  plan.inputs.forEach((input, k) => {
    const conditions: string[] = []
    if (input.physical !== null) {
      head.push(`const column${k} = columns[${2 * k}]`)
      if (input.physical === 'str') {
        head.push(`const pool${k} = column${k}.pool, codes${k} = column${k}.codes`)
      } else head.push(`const values${k} = column${k}.values`)
      if (options.nullable) {
        head.push(`const nulls${k} = column${k}.nulls`)
        conditions.push(`(nulls${k} === null || nulls${k}[i] === 0)`)
      }
    }
    if (input.filter !== null) {
      head.push(`const filter${k} = columns[${2 * k + 1}].values`)
      conditions.push(`filter${k}[i] === 1`)
      if (options.nullable) {
        head.push(`const filterNulls${k} = columns[${2 * k + 1}].nulls`)
        conditions.push(`(filterNulls${k} === null || filterNulls${k}[i] === 0)`)
      }
    }
    if (isCounted(plan, k, options.signed)) {
      head.push(
        `const { slots: cs${k}, words: cw${k}, stride: ct${k}, word: cn${k} } = counts[${k}]`,
      )
    }
    const statements = inputStatements(plan, k, options, unit)
    if (statements.length === 0) return
    if (conditions.length === 0) body.push(`{ ${statements.join('; ')} }`)
    else body.push(`if (${conditions.join(' && ')}) { ${statements.join('; ')} }`)
  })
  const lines = [
    ...head,
    'for (let i = 0; i < rowCount; i++) {',
    'const slot = slots[i]',
    `const b = slot * ${stride} + ${first}`,
    ...(options.signed ? ['const g = signs[i]'] : []),
    `words[b] += ${unit}`,
    ...body,
    '}',
  ]
  return compile(
    ['rowCount', 'slots', 'words', 'longs', 'heap', 'counts', 'columns', 'signs'],
    lines,
  ) as UpdateLoop
}

/** The statements for one row of input `k`, conditions apart. */
function inputStatements(
  plan: AccumulatorPlan,
  k: number,
  options: LoopOptions,
  unit: string,
): string[] {
  const input = plan.inputs[k]!
  const words = plan.words
    .map((word, index) => ({ word, index }))
    .filter(({ word }) => word.input === k)
  const statements: string[] = []
  let sign = unit
  if (input.physical === 'str') {
    statements.push(`const e = codes${k} === null ? i : codes${k}[i]`)
  } else if (input.physical !== null) statements.push(`const v = values${k}[i]`)
  if (isCounted(plan, k, options.signed)) {
    statements.push(
      `const c = cs${k}[i] * ct${k} + cn${k}, was = cw${k}[c], is = was + ${unit}`,
      `cw${k}[c] = is`,
      'const d = was <= 0 && is > 0 ? 1 : was > 0 && is <= 0 ? -1 : 0',
    )
  }
  const inner: string[] = []
  if (input.distinct) sign = 'd'
  for (const { index } of words) {
    const text = wordStatement(plan, index, sign, options)
    if (text !== null) inner.push(text)
  }
  if (!input.distinct) return [...statements, ...inner]
  return [...statements, `if (d !== 0) { ${inner.join('; ')} }`]
}

function wordStatement(
  plan: AccumulatorPlan,
  w: number,
  sign: string,
  options: LoopOptions,
): string | null {
  const word = plan.words[w]!
  const k = word.input
  const at = `b + ${w}`
  if (word.kind === 'count') return `words[${at}] += ${sign}`
  if (word.kind === 'sum') {
    if (word.storage === 'i64') {
      if (sign === '1') return `longs[${at}] = BigInt.asIntN(64, longs[${at}] + v)`
      return `longs[${at}] = BigInt.asIntN(64, ${sign} > 0 ? longs[${at}] + v : longs[${at}] - v)`
    }
    if (word.single) return `words[${at}] = Math.fround(words[${at}] + ${sign} * v)`
    return sign === '1' ? `words[${at}] += v` : `words[${at}] += ${sign} * v`
  }
  if (options.signed) return null
  if (word.storage === 'str') {
    const direction = word.kind === 'min' ? 1 : -1
    return `words[${at}] = heap.pick(words[${at}], pool${k}, e, ${direction})`
  }
  return extremeStatement(plan, w, at, 'v')
}

/**
 * Doubles are ordered as ORDER BY orders them, -0 before 0 and NaN last: what a window shows does
 * not depend on the order of its rows. A minimum begins as NaN, before which every number comes.
 */
function extremeStatement(plan: AccumulatorPlan, w: number, at: string, value: string): string {
  const word = plan.words[w]!
  const known = `${word.storage === 'i64' ? 'longs' : 'words'}[${at}]`
  const isMin = word.kind === 'min'
  const beyond = `${value} ${isMin ? '<' : '>'} ${known}`
  if (!isDouble(plan, word)) return `if (${beyond}) ${known} = ${value}`
  // Nearly always the first comparison decides, as it would without NaN.
  const within = `${value} ${isMin ? '>=' : '<='} ${known}`
  const kept = isMin ? value : known
  const zeros = `${value} === 0 && ${known} === 0 && Object.is(${kept}, -0)`
  return `if (!(${within}) ? ${kept} === ${kept} : ${zeros}) ${known} = ${value}`
}

function isDouble(plan: AccumulatorPlan, word: AccumulatorWord): boolean {
  return plan.inputs[word.input]?.physical === 'f64' && word.storage === 'f64'
}

export function generateMergeLoop(plan: AccumulatorPlan, { stride, first }: Place): MergeLoop {
  const head: string[] = []
  const body: string[] = []
  plan.words.forEach((word, w) => {
    const at = `b + ${w}`
    if (word.storage === 'str') {
      const direction = word.kind === 'min' ? 1 : -1
      head.push(`const nulls${w} = columns[${w}].nulls`)
      head.push(`const pool${w} = columns[${w}].pool, codes${w} = columns[${w}].codes`)
      body.push(
        `if (nulls${w} === null || nulls${w}[i] === 0) { words[${at}] = heap.pick(words[${at}], ` +
          `pool${w}, codes${w} === null ? i : codes${w}[i], ${direction}) }`,
      )
      return
    }
    head.push(`const values${w} = columns[${w}].values`)
    body.push(mergeStatement(plan, w, at, `values${w}[i]`))
  })
  const lines = [
    ...head,
    'for (let i = 0; i < rowCount; i++) {',
    `const b = slots[i] * ${stride} + ${first}`,
    ...body,
    '}',
  ]
  return compile(['rowCount', 'slots', 'words', 'longs', 'heap', 'columns'], lines) as MergeLoop
}

export function generateMergeSlots(plan: AccumulatorPlan, from: Place, to: Place): MergeSlots {
  const lines = [
    'for (let i = 0; i < count; i++) {',
    `const a = from[i] * ${from.stride} + ${from.first}, b = slots[i] * ${to.stride} + ${to.first}`,
  ]
  plan.words.forEach((word, w) => {
    const at = `b + ${w}`
    if (word.storage === 'str') {
      const direction = word.kind === 'min' ? 1 : -1
      lines.push(
        `if (fromWords[a + ${w}] >= 0) { words[${at}] = ` +
          `heap.pick(words[${at}], fromPool, fromWords[a + ${w}], ${direction}) }`,
      )
      return
    }
    lines.push(
      mergeStatement(
        plan,
        w,
        at,
        `${word.storage === 'i64' ? 'fromLongs' : 'fromWords'}[a + ${w}]`,
      ),
    )
  })
  lines.push('}')
  return compile(
    ['count', 'from', 'fromWords', 'fromLongs', 'fromPool', 'slots', 'words', 'longs', 'heap'],
    lines,
  ) as MergeSlots
}

function mergeStatement(plan: AccumulatorPlan, w: number, at: string, value: string): string {
  const word = plan.words[w]!
  if (word.kind === 'count' || word.kind === 'sum') {
    if (word.single) return `words[${at}] = Math.fround(words[${at}] + ${value})`
    if (word.storage === 'f64') return `words[${at}] += ${value}`
    return `longs[${at}] = BigInt.asIntN(64, longs[${at}] + ${value})`
  }
  return extremeStatement(plan, w, at, value)
}

/** Words of a group that has seen no row. */
export function emptyWords(plan: AccumulatorPlan): Float64Array {
  const words = new Float64Array(plan.words.length)
  const longs = new BigInt64Array(words.buffer)
  plan.words.forEach((word, w) => {
    if (word.storage === 'str') words[w] = -1
    // What -0 is added to stays as it is, so that a sum of -0 alone is -0.
    else if (word.kind === 'sum' && isDouble(plan, word)) words[w] = -0
    else if (word.kind === 'min' || word.kind === 'max') {
      const least = word.kind === 'max'
      if (word.storage === 'i64') longs[w] = least ? -(2n ** 63n) : 2n ** 63n - 1n
      else if (least) words[w] = Number.NEGATIVE_INFINITY
      else words[w] = isDouble(plan, word) ? Number.NaN : Number.POSITIVE_INFINITY
    }
  })
  return words
}

function compile(parameters: readonly string[], lines: readonly string[]): unknown {
  return new CodeBuilder().compile(parameters, lines.join('\n'))
}
