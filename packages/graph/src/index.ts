export * from './job-graph.ts'
