/** The door for whoever looks at the operators' state in a checkpoint from outside of a job. */
export * from './aggregate/read-aggregate-state.ts'
export { readSplits, type SnapshottedSplit } from './source/split-state.ts'
