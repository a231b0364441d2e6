export * from './error-codes.ts'
export type * from './file-table-config.ts'
export * from './filesystem-connector.ts'
export * from './filesystem-table-options.ts'
