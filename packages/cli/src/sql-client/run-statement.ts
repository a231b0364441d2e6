/**
 * One statement from text to printed result, through a SqlGateway.
 *
 * Polls result pages until the end; a streaming SELECT prints rows as they come with their row kind, until it ends
 * or `interrupt` is raised.
 */
import { toErrorData } from '@millrace/core'
import type { Clock } from '@millrace/platform'
import type { FetchResultsResponse, ResultRow, SqlGateway } from '@millrace/rest-api'
import { ProgressLine } from '../render/progress-line.ts'
import { renderError } from '../render/render-error.ts'
import { borderLine, cellText, layoutTable, rowLine, type TableLayout } from '../render/table.ts'
import { styled, type Terminal } from '../terminal.ts'

const MAX_COLUMN_WIDTH = 30
const LONG_POLL_MS = 200
const ROW_KIND_TEXT = {
  INSERT: '+I',
  UPDATE_BEFORE: '-U',
  UPDATE_AFTER: '+U',
  DELETE: '-D',
} as const

/** Raised by Ctrl-C; the running statement is cancelled. */
export interface Interrupt {
  raised: boolean
}

export interface StatementContext {
  readonly gateway: SqlGateway
  readonly session: string
  readonly terminal: Terminal
  readonly clock: Clock
  readonly interrupt: Interrupt
}

export type StatementOutcome = 'done' | 'failed' | 'cancelled'

/** Runs `statement` and prints what it gives, its error too. */
export async function runStatement(
  context: StatementContext,
  statement: string,
): Promise<StatementOutcome> {
  const progress = new ProgressLine(context.terminal, context.clock)
  try {
    const { operationHandle } = await context.gateway.execute(context.session, { statement })
    return await printResult(context, operationHandle, progress)
  } catch (thrown) {
    progress.clear()
    const text = renderError(toErrorData(thrown), statement)
    context.terminal.writeError(`${styled(context.terminal, 'red', text)}\n`)
    return 'failed'
  }
}

async function printResult(
  context: StatementContext,
  operation: string,
  progress: ProgressLine,
): Promise<StatementOutcome> {
  const printer = new ResultPrinter(context.terminal)
  let outcome: StatementOutcome = 'done'
  let token = 0
  for (;;) {
    if (context.interrupt.raised) {
      context.interrupt.raised = false
      await context.gateway.cancel(context.session, operation)
      progress.clear()
      printer.finish('cancelled')
      context.terminal.writeError('Cancelled.\n')
      outcome = 'cancelled'
      break
    }
    const { gateway, session } = context
    const page = await gateway.fetchResults(session, operation, token, LONG_POLL_MS)
    if (page.resultType === 'NOT_READY') {
      progress.update(page.progress ?? 'waiting')
      continue
    }
    progress.clear()
    printer.page(page)
    if (page.resultType === 'EOS') {
      printer.finish('done')
      break
    }
    token = page.nextToken ?? token + 1
  }
  await context.gateway.closeOperation(context.session, operation)
  return outcome
}

class ResultPrinter {
  readonly #terminal: Terminal
  #layout: TableLayout | null = null
  #rowCount = 0
  #query = false
  #insert = false

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  page(page: FetchResultsResponse): void {
    for (const warning of this.#layout === null ? (page.warnings ?? []) : []) {
      this.#terminal.writeError(`${styled(this.#terminal, 'yellow', `Warning: ${warning}`)}\n`)
    }
    const rows = page.results?.data ?? []
    this.#query = page.isQueryResult ?? false
    if (!this.#query && page.jobID !== undefined) {
      if (!this.#insert) this.#terminal.write(`Job ID: ${page.jobID}\n`)
      this.#insert = true
      return
    }
    const columns = page.results?.columns ?? []
    if (columns.length === 1 && columns[0]?.name === 'result' && !this.#query) {
      for (const row of rows) this.#terminal.write(`${String(row.fields[0])}\n`)
      this.#insert = true
      return
    }
    if (columns.length > 0 && (rows.length > 0 || page.resultType === 'EOS'))
      this.#print(page, rows)
  }

  #print(page: FetchResultsResponse, rows: readonly ResultRow[]): void {
    const cells = rows.map((row) => [
      ...(this.#query ? [ROW_KIND_TEXT[row.kind]] : []),
      ...row.fields.map(cellText),
    ])
    if (this.#layout === null) {
      const columns = page.results?.columns ?? []
      const headers = [
        ...(this.#query ? [{ name: 'op', type: 'op' }] : []),
        ...columns.map((column) => ({ name: column.name, type: column.logicalType.type })),
      ]
      // What SHOW and DESCRIBE name must be there in full, to be typed or copied.
      const maxWidth = this.#query ? MAX_COLUMN_WIDTH : Number.POSITIVE_INFINITY
      this.#layout = layoutTable(headers, cells, maxWidth, this.#query)
      const border = borderLine(this.#layout)
      const names = headers.map((header) => header.name)
      this.#terminal.write(`${border}\n${rowLine(this.#layout, names)}\n${border}\n`)
    }
    const layout = this.#layout
    let text = ''
    for (const row of cells) text += `${rowLine(layout, row)}\n`
    if (text !== '') this.#terminal.write(text)
    this.#rowCount += cells.length
  }

  finish(outcome: StatementOutcome): void {
    if (this.#layout !== null) {
      this.#terminal.write(`${borderLine(this.#layout)}\n`)
      this.#terminal.write(`${this.#rowCount} row${this.#rowCount === 1 ? '' : 's'} in set\n`)
    } else if (!this.#insert && outcome === 'done') {
      this.#terminal.write('OK\n')
    }
  }
}
