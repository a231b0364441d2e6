/**
 * Filter and projection of whole batches: two generated loops.
 *
 * The first writes the numbers of the rows for which the filter is TRUE; the second computes all
 * computed outputs of those rows. Forwarded columns are passed on as they are when no row was
 * dropped, else gathered. Output arrays are reused: the result is valid until the next call.
 * Measured by `expression.bench.ts`.
 */
import {
  type Column,
  ColumnBatch,
  gatherBytes,
  type LogicalType,
  type Schema,
  type StringColumn,
} from '@millrace/core'
import type { EvaluationContext } from '../evaluation-context.ts'
import type { Expression } from '../expression.ts'
import { columnsUsed } from '../tree/walk-expression.ts'
import { CodeBuilder } from './code-builder.ts'
import { DEFAULT_NAMES } from './compiler-names.ts'
import { ExpressionCompiler } from './expression-compiler.ts'
import { isMemoisable } from './memoisable.ts'
import { GatheredColumn, OutputColumn } from './output-column.ts'

export interface ProjectionPlan {
  /** Rows for which it is not TRUE are dropped; null keeps all. */
  readonly filter: Expression | null
  /** One expression an output column; null forwards every input column. */
  readonly outputs: readonly Expression[] | null
  readonly inputSchema: Schema
  /** Types of the outputs; those of the expressions when omitted. */
  readonly outputTypes?: readonly LogicalType[]
}

/** Filters and projects a batch. The result and its arrays are valid until the next call. */
export type Projection = (batch: ColumnBatch, context: EvaluationContext) => ColumnBatch

/**
 * Writes the numbers of the rows that pass into `selection` (at least rowCount long);
 * returns how many.
 */
export type RowFilter = (
  columns: readonly Column[],
  rowCount: number,
  context: EvaluationContext,
  selection: Int32Array,
) => number

/** The loop that evaluates a filter. */
export function compileFilter(filter: Expression): RowFilter {
  const code = new CodeBuilder()
  const { row, rowCount } = DEFAULT_NAMES
  const holds = new ExpressionCompiler(code).compileFilter(filter)
  const loop = `let count = 0
for (let ${row} = 0; ${row} < ${rowCount}; ${row}++) {
${code.takeBody()}
selection[count] = ${row}
if (${holds}) count++
}
return count`
  return code.compile<RowFilter>(['columns', 'rowCount', 'context', 'selection'], loop)
}

interface Output {
  readonly expression: Expression
  /** Null for a forwarded column. */
  readonly computed: OutputColumn | null
  readonly gathered: GatheredColumn
  /** The column whose dictionary the texts of this output follow, −1 for none. */
  readonly source: number
}

type Loop = (
  columns: readonly Column[],
  rowCount: number,
  context: EvaluationContext,
  selection: Int32Array | null,
  count: number,
) => number[]

export function compileProjection(plan: ProjectionPlan): Projection {
  const expressions =
    plan.outputs ??
    plan.inputSchema.fields.map(({ type }, index) => ({ kind: 'column', index, type }) as const)
  const outputs = expressions.map(outputOf)
  const computed = outputs.filter((output) => output.computed !== null)
  const loop = computed.length === 0 ? null : compileLoop(computed)
  const filter = plan.filter === null ? null : compileFilter(plan.filter)
  const result = new ColumnBatch(0, new Array(outputs.length), null)
  let selection = new Int32Array(0)
  let rowKinds = new Uint8Array(0)

  return (batch, context) => {
    const { rowCount, columns } = batch
    let count = rowCount
    let selected: Int32Array | null = null
    if (filter !== null) {
      if (selection.length < rowCount) selection = new Int32Array(rowCount)
      count = filter(columns, rowCount, context, selection)
      if (count < rowCount) selected = selection
    }
    result.rowCount = count
    result.rowKinds = batch.rowKinds
    if (selected !== null && batch.rowKinds !== null) {
      if (rowKinds.length < count) rowKinds = new Uint8Array(rowCount)
      gatherBytes(batch.rowKinds, selected, count, rowKinds)
      result.rowKinds = rowKinds
    }
    for (const { computed: column, source } of computed) {
      column!.begin(count, source < 0 ? null : (columns[source] as StringColumn))
    }
    const hasNulls = loop === null ? [] : loop(columns, rowCount, context, selected, count)
    let next = 0
    for (let o = 0; o < outputs.length; o++) {
      const output = outputs[o] as Output
      result.columns[o] =
        output.computed !== null
          ? output.computed.finish(count, hasNulls[next++] === 1)
          : forward(output, columns, selected, count)
    }
    return result
  }
}

function outputOf(expression: Expression): Output {
  const forwards = expression.kind === 'column'
  const follows = expression.type.kind === 'STRING' && isMemoisable(expression)
  return {
    expression,
    computed: forwards ? null : new OutputColumn(expression.type),
    gathered: new GatheredColumn(),
    source: follows ? (columnsUsed(expression)[0] as number) : -1,
  }
}

function forward(
  { expression, gathered }: Output,
  columns: readonly Column[],
  selected: Int32Array | null,
  count: number,
): Column {
  const column = columns[expression.kind === 'column' ? expression.index : 0] as Column
  return selected === null ? column : gathered.gather(column, selected, count)
}

/**
 * The loop over the selected rows that stores every computed output; returns per output
 * whether it has NULLs.
 */
function compileLoop(computed: readonly Output[]): Loop {
  const code = new CodeBuilder()
  const compiler = new ExpressionCompiler(code)
  const flags: string[] = []
  for (const { expression, computed: column } of computed) {
    const output = code.constant(column)
    const values = code.fresh()
    const nulls = code.fresh()
    const flag = code.fresh('n')
    flags.push(flag)
    code.prologue(`const ${values} = ${output}.values, ${nulls} = ${output}.nulls`)
    code.prologue(`let ${flag} = 0`)
    code.emit('{')
    const { value, isNull, memoSlot, type } = compiler.compile(expression)
    let store = `${values}[j] = ${value}`
    let storeNull = `${flag} = 1; ${nulls}[j] = 1`
    if (type.kind === 'BOOLEAN') store = `${values}[j] = ${value} ? 1 : 0`
    if (type.kind === 'STRING') {
      store =
        memoSlot === undefined
          ? `${values}.put(j, ${value})`
          : `${values}.putOfSlot(j, ${value}, ${memoSlot})`
      storeNull += `; ${values}.putNull(j)`
    }
    if (isNull === null) code.emit(store)
    else code.emit(`if (${isNull}) { ${storeNull} } else { ${nulls}[j] = 0; ${store} }`)
    code.emit('}')
  }
  const body = `for (let j = 0; j < count; j++) {
const i = selection === null ? j : selection[j]
${code.takeBody()}
}
return [${flags.join(', ')}]`
  return code.compile<Loop>(['columns', 'rowCount', 'context', 'selection', 'count'], body)
}
