/**
 * Query → SQL text: views and WITH clauses in front, sub-queries in place.
 *
 * The other half of oracle/query-rows.ts: both read the same tree, and neither reads the other.
 */
import { type Expression, expressionText, type Item } from './expression.ts'
import type { Aggregate, GroupQuery, Query, SelectQuery, Window, WindowQuery } from './query.ts'

export interface QueryText {
  /** CREATE VIEW statements. */
  readonly views: readonly string[]
  /** `WITH …`, empty or with a line break at its end. */
  readonly with: string
  readonly select: string
}

export function queryText(query: Query): QueryText {
  const writer = new QueryWriter()
  const select = writer.select(query)
  const { clauses } = writer
  return {
    views: writer.views,
    with: clauses.length === 0 ? '' : `WITH ${clauses.join(',\n')}\n`,
    select,
  }
}

class QueryWriter {
  readonly views: string[] = []
  readonly clauses: string[] = []
  #names = 0

  /** The query as a SELECT. */
  select(query: Query): string {
    switch (query.kind) {
      case 'scan':
        return `SELECT * FROM ${query.table}`
      case 'select':
        return this.#plainSelect(query)
      case 'union':
        return query.inputs
          .map((input) => this.#plainSelect(input))
          .join(query.distinct ? '\nUNION\n' : '\nUNION ALL\n')
      case 'window':
        return query.form === 'table-function'
          ? this.#overTableFunction(query)
          : this.#groupWindow(query)
      case 'group':
        return this.#group(query)
    }
  }

  #plainSelect(query: SelectQuery): string {
    const distinct = query.distinct ? 'DISTINCT ' : ''
    const items = itemsText(query.items)
    return `SELECT ${distinct}${items} FROM ${this.#from(query.input)}${whereText(query.where)}`
  }

  /** What stands behind FROM. */
  #from(input: Query, named = false): string {
    if (input.kind === 'scan') return input.table
    const placement = input.kind === 'select' ? input.placement : 'subquery'
    const name = `q${++this.#names}`
    const select = this.select(input)
    if (placement === 'with' && this.views.length === 0) {
      this.clauses.push(`${name} AS (${select})`)
      return name
    }
    // A view cannot see what a WITH clause names; a window function's TABLE takes a name.
    if (placement === 'view' || named) {
      if (this.clauses.length === 0) {
        this.views.push(`CREATE VIEW ${name} AS ${select};`)
        return name
      }
      this.clauses.push(`${name} AS (${select})`)
      return name
    }
    return `(${select}) AS ${name}`
  }

  #overTableFunction(query: WindowQuery): string {
    const { keys, aggregates, window, timeColumn, windowTime } = query
    const outputs = [
      ...keyTexts(keys),
      'window_start',
      'window_end',
      ...(windowTime === null ? [] : [`window_time AS ${windowTime}`]),
      ...aggregates.map(aggregateItem),
    ]
    const from = this.#from(query.input, true)
    const groupBy = [
      ...keys.map((key) => expressionText(key.expression)),
      'window_start',
      'window_end',
      ...(windowTime === null ? [] : ['window_time']),
    ]
    const where = whereText(query.where)
    const table = `TABLE ${from}, DESCRIPTOR(${timeColumn}), ${windowArguments(window)}`
    return `SELECT ${outputs.join(', ')}
FROM TABLE(${windowFunction(window)}(${table}))${where}
GROUP BY ${groupBy.join(', ')}${havingText(query)}`
  }

  #groupWindow(query: WindowQuery): string {
    const { keys, aggregates, window, timeColumn, windowTime } = query
    const args = `(${timeColumn}, ${windowArguments(window)})`
    const name = windowFunction(window)
    const outputs = [
      ...keyTexts(keys),
      `${name}_START${args} AS window_start`,
      `${name}_END${args} AS window_end`,
      ...(windowTime === null ? [] : [`${name}_ROWTIME${args} AS ${windowTime}`]),
      ...aggregates.map(aggregateItem),
    ]
    const groupBy = [...keys.map((key) => expressionText(key.expression)), `${name}${args}`]
    return `SELECT ${outputs.join(', ')}
FROM ${this.#from(query.input)}${whereText(query.where)}
GROUP BY ${groupBy.join(', ')}${havingText(query)}`
  }

  #group(query: GroupQuery): string {
    const outputs = [...keyTexts(query.keys), ...query.aggregates.map(aggregateItem)]
    const keys = query.keys.map((key) => expressionText(key.expression))
    const groupBy = keys.length === 0 ? '' : `\nGROUP BY ${keys.join(', ')}`
    const from = this.#from(query.input)
    const tail = `${whereText(query.where)}${groupBy}${havingText(query)}`
    return `SELECT ${outputs.join(', ')}\nFROM ${from}${tail}`
  }
}

function keyTexts(keys: readonly Item[]): string[] {
  return keys.map(itemText)
}

function itemText({ name, expression }: Item): string {
  const text = expressionText(expression)
  return text === name ? name : `${text} AS ${name}`
}

function itemsText(items: readonly Item[]): string {
  return items.map(itemText).join(', ')
}

function whereText(where: Expression | null): string {
  return where === null ? '' : ` WHERE ${expressionText(where)}`
}

function havingText(query: WindowQuery | GroupQuery): string {
  if (query.having === null) return ''
  const texts = new Map<string, string>([
    ...query.keys.map(({ name, expression }) => [name, expressionText(expression)] as const),
    ...query.aggregates.map((call) => [call.name, aggregateText(call)] as const),
  ])
  return ` HAVING ${expressionText(query.having, (name) => texts.get(name) ?? name)}`
}

function aggregateText(call: Aggregate): string {
  const argument = call.argument === null ? '*' : expressionText(call.argument)
  const filter = call.filter === null ? '' : ` FILTER (WHERE ${expressionText(call.filter)})`
  return `${call.function}(${call.distinct ? 'DISTINCT ' : ''}${argument})${filter}`
}

function aggregateItem(call: Aggregate): string {
  return `${aggregateText(call)} AS ${call.name}`
}

function windowFunction(window: Window): string {
  return window.kind.toUpperCase()
}

export function intervalText(ms: number): string {
  if (ms % 60_000 === 0 && ms !== 0) return `INTERVAL '${ms / 60_000}' MINUTE`
  return `INTERVAL '${ms / 1000}' SECOND`
}

function windowArguments(window: Window): string {
  const intervals = window.kind === 'hop' ? [window.slideMs, window.sizeMs] : [window.sizeMs]
  if (window.offsetMs !== 0) intervals.push(window.offsetMs)
  return intervals.map(intervalText).join(', ')
}
