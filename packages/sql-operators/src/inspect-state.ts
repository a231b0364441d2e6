/** The door for whoever looks at the operators' state in a checkpoint from outside of a job. */
export { readCommittables } from './sink/table-sink.ts'
