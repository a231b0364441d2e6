export * from './error-codes.ts'
export * from './filesystem-connector.ts'
export * from './filesystem-table-options.ts'
