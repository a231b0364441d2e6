/** `calc`: a filter and a projection in one operator, fused to its input. */
import type { Schema } from '@millrace/core'
import {
  columnsUsed,
  type Expression,
  formatExpression,
  isDeterministic,
} from '@millrace/expression'
import { type CalcConfig, SQL_OPERATORS } from '@millrace/sql-operators'
import { lineageThrough } from './lineage.ts'
import { forwardOf } from './physical-context.ts'
import type { PhysicalInput, PhysicalNode } from './physical-plan.ts'
import { traitsThrough } from './traits.ts'

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
    identity: null,
    lineage: lineageThrough(input.lineage, filter, output),
    schema: outputSchema,
    parallelism: input.parallelism,
    inputs: [
      {
        node: input,
        partitioning: forwardOf(input),
        updateBefore: updateBeforeNeededBy(filter, input),
      },
    ],
    traits: traitsThrough(input.traits, output),
  }
}

/**
 * A filter may let one of −U and +U through alone, and then its −U takes the row away; not so on
 * an upsert key.
 */
function updateBeforeNeededBy(
  filter: Expression | null,
  { traits }: PhysicalNode,
): PhysicalInput['updateBefore'] {
  if (filter === null) return 'as-asked'
  const used = columnsUsed(filter)
  const onKey = traits.upsertKeys.some((key) => used.every((column) => key.includes(column)))
  return onKey && isDeterministic(filter) ? 'as-asked' : 'needed'
}
