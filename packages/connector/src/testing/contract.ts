/**
 * The door `@millrace/connector/contract`: contract suites and what they are made of, for the tests
 * of connectors.
 */
export * from './batch-rows.ts'
export * from './contract-context.ts'
export * from './sink-writer-contract.ts'
export * from './source-reader-contract.ts'
