export * from './arguments.ts'
export { type CommandDeclaration, renderHelp } from './command-help.ts'
export { ProgressLine } from './render/progress-line.ts'
export { renderError } from './render/render-error.ts'
export { borderLine, cellText, displayWidth, layoutTable, rowLine } from './render/table.ts'
export { Interrupt } from './sql-client/interrupt.ts'
export {
  runPrompt,
  runScript,
  type SplitStatement,
  type SqlClientSettings,
} from './sql-client/sql-client.ts'
export { StatementHistory } from './sql-client/statement-history.ts'
export { type LineReader, styled, type Terminal } from './terminal.ts'
