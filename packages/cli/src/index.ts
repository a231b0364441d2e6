export * from './arguments.ts'
export { ProgressLine } from './render/progress-line.ts'
export { renderError } from './render/render-error.ts'
export { borderLine, cellText, displayWidth, layoutTable, rowLine } from './render/table.ts'
export type { Interrupt } from './sql-client/run-statement.ts'
export {
  runPrompt,
  runScript,
  type SplitStatement,
  type SqlClientSettings,
} from './sql-client/sql-client.ts'
export { type LineReader, styled, type Terminal } from './terminal.ts'
