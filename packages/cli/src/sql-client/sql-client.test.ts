/** The prompt's history, and waits that Ctrl-C ends. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '@millrace/platform'
import type { FetchResultsResponse, SqlGateway } from '@millrace/rest-api'
import type { Terminal } from '../terminal.ts'
import { Interrupt } from './interrupt.ts'
import { runStatement } from './run-statement.ts'
import { runScript } from './sql-client.ts'
import { StatementHistory } from './statement-history.ts'

const never = new Promise<never>(() => {})

/** Timers fire when the test says so. */
function handClock(): { clock: Clock; fire: () => void } {
  const timers = new Set<() => void>()
  const clock = {
    monotonicMs: () => 0,
    setTimer: (_ms: number, callback: () => void) => {
      timers.add(callback)
      return () => timers.delete(callback)
    },
  } as unknown as Clock
  return { clock, fire: () => timers.forEach((callback) => void callback()) }
}

function recordingTerminal() {
  let text = ''
  const write = (more: string) => {
    text += more
  }
  const terminal: Terminal = {
    write,
    writeError: write,
    interactive: false,
    columns: 80,
    rows: 24,
  }
  return { terminal, text: () => text }
}

function contextWith(gateway: Partial<SqlGateway>) {
  const { terminal, text } = recordingTerminal()
  const { clock, fire } = handClock()
  const interrupt = new Interrupt()
  const context = { gateway: gateway as SqlGateway, session: 's', terminal, clock, interrupt }
  return { context, interrupt, fire, text }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('a statement of several lines is one entry, in its file too', () => {
  // Cause: the arrow keys gave back the lines of a statement one by one.
  const history = new StatementHistory('SELECT 2;\nSELECT 1;\n')
  history.add('SELECT a,\n  b -- \\n is no line break\nFROM t;\n')
  history.add('SELECT a,\n  b -- \\n is no line break\nFROM t;')
  history.add('  ')
  const entries = ['SELECT a,\n  b -- \\n is no line break\nFROM t;', 'SELECT 2;', 'SELECT 1;']
  assert.deepEqual(history.entries, entries)
  assert.equal(history.text().split('\n').length, 3)
  assert.deepEqual(new StatementHistory(history.text()).entries, entries)
})

test('Ctrl-C ends the wait for rows at once and cancels the statement', async () => {
  const calls: string[] = []
  const { context, interrupt, text } = contextWith({
    execute: async () => ({ operationHandle: 'o' }),
    fetchResults: () => never as Promise<FetchResultsResponse>,
    cancel: async (_session, operation) => {
      calls.push(`cancel ${operation}`)
      return { status: 'CANCELED' }
    },
    closeOperation: async (_session, operation) => void calls.push(`close ${operation}`),
  })
  const running = runStatement(context, 'SELECT 1')
  await settled()
  interrupt.raise()
  assert.equal(await running, 'cancelled')
  assert.deepEqual(calls, ['cancel o', 'close o'])
  assert.equal(text(), 'Cancelled.\n')
  assert.equal(interrupt.raised, false)
})

test('Ctrl-C ends the wait for a gateway that does not answer, and says what is not known', async () => {
  // Cause: a JobManager that had no leader kept the prompt for 20 s.
  const { context, interrupt, fire, text } = contextWith({ execute: () => never })
  const running = runStatement(context, 'SELECT 1')
  interrupt.raise()
  await settled()
  fire()
  assert.equal(await running, 'cancelled')
  assert.match(text(), /^Cancelled here; the cluster did not answer, .*SHOW JOBS tells\.\n$/)
})

test('a session that does not open is left by Ctrl-C', async () => {
  const { context, interrupt } = contextWith({ openSession: () => never })
  const split = (statements: string) => [{ text: statements, complete: true }]
  const running = runScript({ ...context, properties: {}, split }, 'SELECT 1')
  interrupt.raise()
  assert.equal(await running, 130)
})
