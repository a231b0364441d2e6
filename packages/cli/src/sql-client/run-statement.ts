/**
 * One statement from text to printed result, through a SqlGateway.
 *
 * Polls result pages until the end; a streaming SELECT prints rows as they come with their row
 * kind, until it ends or `interrupt` is raised.
 */
import { toErrorData } from '@millrace/core'
import type { Clock } from '@millrace/platform'
import type { FetchResultsResponse, ResultRow, SqlGateway } from '@millrace/rest-api'
import { ProgressLine } from '../render/progress-line.ts'
import { renderError } from '../render/render-error.ts'
import { borderLine, cellText, layoutTable, rowLine, type TableLayout } from '../render/table.ts'
import { styled, type Terminal } from '../terminal.ts'
import { INTERRUPTED, type Interrupt } from './interrupt.ts'

const MAX_COLUMN_WIDTH = 30
const LONG_POLL_MS = 200
/** How long a cancellation may take before the prompt is given back without its outcome. */
const CANCEL_TIMEOUT_MS = 2000
const ROW_KIND_TEXT = {
  INSERT: '+I',
  UPDATE_BEFORE: '-U',
  UPDATE_AFTER: '+U',
  DELETE: '-D',
} as const

export interface StatementContext {
  readonly gateway: SqlGateway
  readonly session: string
  readonly terminal: Terminal
  readonly clock: Clock
  /** Raised by Ctrl-C; the running statement is cancelled. */
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
    const executing = context.gateway.execute(context.session, { statement })
    const operation = await context.interrupt.or(executing)
    if (operation !== INTERRUPTED) {
      return await printResult(context, operation.operationHandle, progress)
    }
    const cancelling = executing.then(({ operationHandle }) => cancel(context, operationHandle))
    return await cancelled(context, cancelling)
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
  let token = 0
  for (;;) {
    const { gateway, interrupt, session } = context
    const fetching = gateway.fetchResults(session, operation, token, LONG_POLL_MS, 'PLAIN_TEXT')
    const page = await interrupt.or(fetching)
    if (page === INTERRUPTED) {
      progress.clear()
      printer.finish('cancelled')
      return cancelled(context, cancel(context, operation))
    }
    if (page.notices !== undefined) {
      progress.clear()
      printer.notices(page.notices)
    }
    if (page.resultType === 'NOT_READY') {
      progress.update(page.progress ?? 'waiting')
      continue
    }
    if (page.resultType === 'PAYLOAD' && page.results?.data.length === 0) {
      progress.update(page.progress ?? 'waiting')
      token = page.nextToken ?? token + 1
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
  await context.interrupt.or(context.gateway.closeOperation(context.session, operation))
  return 'done'
}

async function cancel({ gateway, session }: StatementContext, operation: string): Promise<void> {
  await gateway.cancel(session, operation)
  await gateway.closeOperation(session, operation)
}

/** Says so once `cancelling` is through, or that nobody answered. */
async function cancelled(
  { clock, interrupt, terminal }: StatementContext,
  cancelling: Promise<void>,
): Promise<StatementOutcome> {
  interrupt.clear()
  const answered = await inTime(
    clock,
    cancelling.then(() => true),
  )
  terminal.writeError(
    answered === true
      ? 'Cancelled.\n'
      : 'Cancelled here; the cluster did not answer, so what was started may still run: SHOW JOBS tells.\n',
  )
  return 'cancelled'
}

/** The outcome of `work`; null when it fails or takes longer than a cancellation may. */
export function inTime<T>(clock: Clock, work: Promise<T>): Promise<T | null> {
  return new Promise((resolve) => {
    const stop = clock.setTimer(CANCEL_TIMEOUT_MS, () => resolve(null))
    work.then(resolve, () => resolve(null)).finally(stop)
  })
}

class ResultPrinter {
  readonly #terminal: Terminal
  #layout: TableLayout | null = null
  #rowCount = 0
  #query = false
  #insert = false
  #warned = false
  #noticed = false

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  /** Once, whichever answer has them first. */
  notices(lines: readonly string[]): void {
    if (!this.#noticed) for (const line of lines) this.#terminal.writeError(`${line}\n`)
    this.#noticed = true
  }

  page(page: FetchResultsResponse): void {
    for (const warning of this.#warned ? [] : (page.warnings ?? [])) {
      this.#terminal.writeError(`${styled(this.#terminal, 'yellow', `Warning: ${warning}`)}\n`)
    }
    this.#warned = true
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
