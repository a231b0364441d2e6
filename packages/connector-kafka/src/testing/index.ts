export * from './raw-format.ts'
export * from './sink-harness.ts'
export * from './source-harness.ts'
