export * from './shared-memory.ts'
export * from './wasm-function.ts'
export * from './wasm-values.ts'
export * from './webassembly.ts'
