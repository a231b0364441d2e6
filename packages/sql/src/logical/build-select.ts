/** SELECT … FROM … WHERE … GROUP BY … HAVING → logical plan. */
import type { Expression } from '@millrace/expression'
import { notSupported, raise } from '../error-codes.ts'
import type { ExpressionSyntax, SelectItem, SelectSyntax } from '../parse/syntax-tree.ts'
import type { Span } from '../parse/token.ts'
import { conjuncts } from '../validate/expression-parts.ts'
import { ExpressionValidator, refuseNull } from '../validate/expression-validator.ts'
import { withoutAttribute } from '../validate/function-typing.ts'
import { Scope } from '../validate/scope.ts'
import { buildFrom, type Relation } from './build-from.ts'
import { GroupCollector } from './group-collector.ts'
import { groupRows } from './group-rows.ts'
import { GroupWindow } from './group-window.ts'
import { type LogicalContext, schemaOf } from './logical-context.ts'
import type { LogicalNode } from './logical-plan.ts'
import { stateTtlOf, withStateTtl } from './state-ttl.ts'

interface NamedExpression {
  readonly name: string
  readonly expression: Expression
}

export function buildSelect(select: SelectSyntax, context: LogicalContext): LogicalNode {
  if (!context.takesNulls) {
    refuseNull(...select.items.flatMap((item) => (item.kind === 'star' ? [] : [item.expression])))
  }
  const ttl = stateTtlOf(select)
  if (select.from === null) return selectWithoutFrom(select)
  const from = filtered(buildFrom(select.from, context), select)
  const window = groupWindowOf(select, from.scope, context)
  const grouped = select.groupBy.length > 0
  const collector = new GroupCollector(from.scope, grouped, window)
  const validator = new ExpressionValidator({ scope: from.scope, clause: 'SELECT', collector })
  const items = selectItems(select.items, from.scope, validator)
  const havingValidator = new ExpressionValidator({
    scope: from.scope.explaining(aliasReasons(select.items, 'HAVING')),
    clause: 'HAVING',
    collector,
  })
  const having = select.having === null ? null : havingValidator.condition(select.having)
  let node: LogicalNode
  const isPlain = select.groupBySpan === null && having === null && collector.firstSpan === null
  if (isPlain) {
    node = project(from.node, items)
  } else {
    const keys = groupKeys(select, from.scope, window)
    const over = (expression: Expression, from_: ExpressionValidator) =>
      collector.overGroups(expression, keys, from_)
    const outer = items.map((item) => ({ ...item, expression: over(item.expression, validator) }))
    const condition = having === null ? null : over(having, havingValidator)
    const span = select.groupBySpan ?? select.span
    const groups = withStateTtl(groupRows(from.node, keys, collector, window, span), ttl)
    refuseEmit(groups, window !== null, select, context)
    const kept: LogicalNode =
      condition === null
        ? groups
        : { kind: 'filter', input: groups, condition, schema: groups.schema }
    node = project(kept, outer)
  }
  if (!select.distinct) return node
  const rows = distinctRows(node, select.span)
  return isPlain ? withStateTtl(rows, ttl) : rows
}

/**
 * Early and late fire are options of GROUP BY's own windows; a window that ignored them would
 * give other rows.
 */
function refuseEmit(
  groups: LogicalNode,
  isGroupWindow: boolean,
  select: SelectSyntax,
  { emitOption }: LogicalContext,
): void {
  const node = groups.kind === 'project' ? groups.input : groups
  if (emitOption === null || node.kind !== 'window-aggregate') return
  const span = select.groupBySpan ?? select.span
  if (isGroupWindow) throw notSupported(`The option '${emitOption}'`, span)
  throw raise(
    'SQL_INVALID',
    span,
    `Windows of a window table function fire once, at their end; '${emitOption}' is on.`,
    `RESET '${emitOption}', or GROUP BY TUMBLE(…).`,
  )
}

function selectWithoutFrom(select: SelectSyntax): LogicalNode {
  const tail = [...select.groupBy, select.where, select.having].find((part) => part !== null)
  if (tail !== undefined) {
    throw raise('SQL_INVALID', tail.span, 'WHERE, GROUP BY and HAVING need a FROM.')
  }
  const scope = new Scope({ fields: [] })
  const clause = 'SELECT without FROM'
  const validator = new ExpressionValidator({ scope, clause, collector: null })
  const items = selectItems(select.items, scope, validator)
  const expressions = items.map((item) => item.expression)
  const names = items.map((item) => item.name)
  return { kind: 'values', rows: [expressions], schema: schemaOf(names, plain(expressions)) }
}

function plain(expressions: readonly Expression[]) {
  return expressions.map((expression) => ({ type: expression.type }))
}

/** FROM with WHERE; a column that WHERE proves NOT NULL is so from there on. */
function filtered(from: Relation, select: SelectSyntax): Relation {
  if (select.where === null) return from
  const scope = from.scope.explaining(aliasReasons(select.items, 'WHERE'))
  const validator = new ExpressionValidator({ scope, clause: 'WHERE', collector: null })
  const condition = validator.condition(select.where)
  const proven = new Set<number>()
  for (const part of conjuncts(condition)) {
    const [operand] = part.kind === 'call' ? part.args : []
    if (part.kind === 'call' && part.function === 'is_not_null' && operand?.kind === 'column') {
      proven.add(operand.index)
    }
  }
  const fields = from.node.schema.fields.map((field, i) =>
    proven.has(i) ? { ...field, type: { ...field.type, nullable: false } } : field,
  )
  const schema = { fields }
  return {
    node: { kind: 'filter', input: from.node, condition, schema },
    scope: from.scope.over(schema),
  }
}

/** Why the aliases of SELECT are no columns in `clause`. */
function aliasReasons(items: readonly SelectItem[], clause: string): ReadonlyMap<string, string> {
  const reasons = new Map<string, string>()
  for (const item of items) {
    if (item.kind !== 'expression' || item.alias === null) continue
    const { name } = item.alias
    reasons.set(
      name,
      `'${name}' is an alias of SELECT, which ${clause} cannot see: repeat the expression.`,
    )
  }
  return reasons
}

function groupWindowOf(
  select: SelectSyntax,
  scope: Scope,
  context: LogicalContext,
): GroupWindow | null {
  let found: GroupWindow | null = null
  for (const item of select.groupBy) {
    const window = GroupWindow.of(item, scope, context)
    if (window !== null && found !== null) {
      throw raise('SQL_INVALID', item.span, 'GROUP BY takes one window; this is the second.')
    }
    found ??= window
  }
  return found
}

/** The keys of GROUP BY without the window. */
function groupKeys(select: SelectSyntax, inner: Scope, window: GroupWindow | null): Expression[] {
  const scope = inner.explaining(aliasReasons(select.items, 'GROUP BY'))
  const validator = new ExpressionValidator({ scope, clause: 'GROUP BY', collector: null })
  const isWindow = (item: ExpressionSyntax) =>
    window !== null && item.kind === 'call' && /^(TUMBLE|HOP)$/i.test(item.name)
  const keys: Expression[] = []
  for (const item of select.groupBy.filter((candidate) => !isWindow(candidate))) {
    const key = validator.validate(item)
    if (!keys.some((other) => JSON.stringify(other) === JSON.stringify(key))) keys.push(key)
  }
  return keys
}

/** A column without a name is called after its place, as in the reference. */
function selectItems(
  items: readonly SelectItem[],
  scope: Scope,
  validator: ExpressionValidator,
): NamedExpression[] {
  const columns: NamedExpression[] = []
  for (const item of items) {
    if (item.kind === 'star') {
      columns.push(...starItems(item, scope))
      continue
    }
    const expression = validator.validate(item.expression)
    const last = item.expression.kind === 'name' ? item.expression.parts.at(-1) : undefined
    const name = item.alias?.name ?? last?.name ?? `EXPR$${columns.length}`
    columns.push({ name, expression })
  }
  return columns
}

function starItems(item: SelectItem & { kind: 'star' }, scope: Scope): NamedExpression[] {
  if (item.qualifier !== null && item.qualifier.name !== scope.qualifier) {
    throw scope.unknownQualifier(item.qualifier)
  }
  if (scope.columns.length === 0) {
    throw raise('SQL_INVALID', item.span, 'There are no columns for * here: FROM is missing.')
  }
  for (const { name } of scope.columns) scope.refuseAmbiguous(name, item.span)
  return scope.columns.map(({ name, type }, index) => ({
    name,
    expression: { kind: 'column', index, type },
  }))
}

function project(input: LogicalNode, items: readonly NamedExpression[]): LogicalNode {
  const expressions = items.map((item) => item.expression)
  const names = items.map((item) => item.name)
  return { kind: 'project', input, expressions, schema: schemaOf(names, plain(expressions)) }
}

/** SELECT DISTINCT, UNION: groups of whole rows, no time attribute among them. */
export function distinctRows(input: LogicalNode, span: Span): LogicalNode {
  const keys = input.schema.fields.map(({ type }, index): Expression => {
    return { kind: 'column', index, type }
  })
  const none = new GroupCollector(new Scope(input.schema), true, null)
  const groups = groupRows(input, keys, none, null, span)
  const fields = input.schema.fields.map((field) => ({
    ...field,
    type: withoutAttribute(field.type),
  }))
  return { ...groups, schema: { fields } }
}
