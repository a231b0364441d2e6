export type * from './job-graph.ts'
