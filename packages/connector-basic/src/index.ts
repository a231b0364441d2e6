export * from './blackhole/blackhole-connector.ts'
export * from './datagen/datagen-connector.ts'
export * from './datagen/datagen-table-options.ts'
export * from './print/print-connector.ts'
