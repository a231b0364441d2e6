/**
 * The SQL client: statements from `-e`, `-f` or a prompt, one after another, through a SqlGateway.
 *
 * A script stops at its first failing statement and the exit code is 1; the prompt goes on.
 */
import type { Clock } from '@millrace/platform'
import type { SqlGateway } from '@millrace/rest-api'
import { type LineReader, styled, type Terminal } from '../terminal.ts'
import { INTERRUPTED, type Interrupt } from './interrupt.ts'
import { inTime, runStatement, type StatementContext } from './run-statement.ts'

export interface SplitStatement {
  readonly text: string
  /** Whether a `;` ended it. */
  readonly complete: boolean
}

export interface SqlClientSettings {
  readonly gateway: SqlGateway
  readonly terminal: Terminal
  readonly clock: Clock
  readonly properties: Readonly<Record<string, string>>
  readonly interrupt: Interrupt
  /** Cuts a text into statements at the `;` outside quotes and comments. */
  split(text: string): readonly SplitStatement[]
}

/** What shells expect of a command that Ctrl-C ended. */
const EXIT_INTERRUPTED = 130

const HELP = `Statements end with ';' and may span lines. Ctrl-C cancels what runs, Ctrl-D leaves.

  HELP                       this text
  QUIT, EXIT                 leave
  CLEAR                      clear the screen
  SET ['key' = 'value']      show or change the session's settings
  RESET ['key']              take changes back
  SHOW TABLES | VIEWS | JOBS | FUNCTIONS | CREATE TABLE t
  DESCRIBE t                 columns of a table
  CREATE TABLE | VIEW …, DROP …
  EXPLAIN <query>            how it would run
  SELECT …                   run a query and watch its rows
  INSERT INTO t SELECT …     start a job
  STOP JOB '<id>'            end a job
`

/** Runs all statements of `script`; resolves with the exit code. */
export async function runScript(settings: SqlClientSettings, script: string): Promise<number> {
  return withSession(settings, async (context) => {
    for (const { text } of settings.split(script)) {
      if (text.trim() === '') continue
      const handled = handleClientCommand(settings, text)
      if (handled === 'quit') return 0
      if (handled === 'done') continue
      settings.terminal.write(`${styled(settings.terminal, 'dim', promptEcho(text))}\n`)
      const outcome = await runStatement(context, text)
      if (outcome === 'failed') return 1
      if (outcome === 'cancelled') return EXIT_INTERRUPTED
    }
    return 0
  })
}

function promptEcho(text: string): string {
  return text
    .trim()
    .split('\n')
    .map((line, index) => `${index === 0 ? 'millrace> ' : '        > '}${line}`)
    .join('\n')
}

/** The interactive prompt; resolves with the exit code when the person leaves. */
export async function runPrompt(settings: SqlClientSettings, lines: LineReader): Promise<number> {
  return withSession(settings, async (context) => {
    settings.terminal.write("Millrace SQL. 'help;' lists what can be typed, 'quit;' leaves.\n\n")
    let pending = ''
    /** Since the last statement was complete, as it will be given back. */
    let typed = ''
    lines.completeWith(async (line) => {
      const text = pending === '' ? line : `${pending}\n${line}`
      const { gateway, session } = context
      return (await gateway.complete(session, text, text.length)).candidates
    })
    for (;;) {
      const line = await lines.readLine(pending === '' ? 'millrace> ' : '        > ')
      if (line === null) return 0
      if (line === 'interrupt') {
        pending = ''
        typed = ''
        continue
      }
      typed += typed === '' ? line : `\n${line}`
      pending += pending === '' ? line : `\n${line}`
      if (isBareCommand(pending)) pending += ';'
      const statements = settings.split(pending)
      const open = statements.at(-1)
      const complete = open === undefined || open.complete
      if (!complete) {
        const done = statements.slice(0, -1)
        if (await runAll(settings, context, done)) return 0
        pending = (open as SplitStatement).text.trim() === '' ? '' : (open as SplitStatement).text
        continue
      }
      pending = ''
      lines.remember(typed)
      typed = ''
      if (await runAll(settings, context, statements)) return 0
    }
  })
}

async function runAll(
  settings: SqlClientSettings,
  context: StatementContext,
  statements: readonly SplitStatement[],
): Promise<boolean> {
  for (const { text } of statements) {
    if (text.trim() === '') continue
    const handled = handleClientCommand(settings, text)
    if (handled === 'quit') return true
    if (handled === 'done') continue
    context.interrupt.clear()
    if ((await runStatement(context, text)) !== 'done') return false
  }
  return false
}

function isBareCommand(text: string): boolean {
  return /^\s*(quit|exit|help|clear)\s*$/i.test(text)
}

function handleClientCommand(settings: SqlClientSettings, text: string): 'quit' | 'done' | null {
  switch (text.trim().toUpperCase()) {
    case 'QUIT':
    case 'EXIT':
      return 'quit'
    case 'HELP':
      settings.terminal.write(HELP)
      return 'done'
    case 'CLEAR':
      settings.terminal.write('\u001b[2J\u001b[H')
      return 'done'
    default:
      return null
  }
}

async function withSession(
  settings: SqlClientSettings,
  use: (context: StatementContext) => Promise<number>,
): Promise<number> {
  const { gateway, interrupt } = settings
  const session = await interrupt.or(gateway.openSession({ properties: settings.properties }))
  if (session === INTERRUPTED) return EXIT_INTERRUPTED
  const { sessionHandle } = session
  try {
    return await use({
      gateway,
      session: sessionHandle,
      terminal: settings.terminal,
      clock: settings.clock,
      interrupt: settings.interrupt,
    })
  } finally {
    await inTime(settings.clock, gateway.closeSession(sessionHandle))
  }
}
