/** `calc`: a filter and a projection in one operator, fused to its input. */
import type { Schema } from '@millrace/core'
import { type Expression, formatExpression } from '@millrace/expression'
import { type CalcConfig, SQL_OPERATORS } from '@millrace/sql-operators'
import type { PhysicalNode } from './physical-plan.ts'

/** `filter` and `output` over the columns of `input`. */
export function calcOver(
  input: PhysicalNode,
  filter: Expression | null,
  output: readonly Expression[],
  outputSchema: Schema,
): PhysicalNode {
  const config: CalcConfig = { filter, output, outputSchema }
  const names = input.schema.fields.map((field) => field.name)
  const select = output.map((expression, i) => {
    const text = formatExpression(expression, names)
    const name = outputSchema.fields[i]?.name ?? ''
    return text === name ? name : `${text} AS ${name}`
  })
  const where = filter === null ? '' : `, where=[${formatExpression(filter, names)}]`
  return {
    title: 'Calc',
    details: `select=[${select.join(', ')}]${where}`,
    factory: SQL_OPERATORS.calc,
    config,
    identity: 'calc',
    schema: outputSchema,
    parallelism: input.parallelism,
    inputs: [{ node: input, partitioning: { kind: 'forward' } }],
    updatedBy: input.updatedBy,
    bounded: input.bounded,
  }
}
