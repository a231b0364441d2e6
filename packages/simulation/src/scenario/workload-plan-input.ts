/** A workload's input as the sources of its JobGraph see it (tables by their paths), for the model of its state. */
import type { PlanInput } from '../plan-model/input-of-plan.ts'
import { inputName, type Workload } from '../workload/workload.ts'
import { inputLines } from '../workload/workload-text.ts'
import { inputFile } from './job-input.ts'

export function workloadPlanInput(workload: Workload): PlanInput {
  /** By table and file, where each line ends. */
  const ends = new Map<string, number[][]>()
  const inputOf = (table: string) =>
    workload.inputs.find((input) => input.table === table || table.endsWith(`.${input.table}`))!
  const endsOf = (table: string): number[][] => {
    let found = ends.get(table)
    if (found === undefined) {
      found = inputLines(workload, table).map((lines) => {
        let end = 0
        return lines.map(({ line }) => (end += Buffer.byteLength(line) + 1))
      })
      ends.set(table, found)
    }
    return found
  }
  return {
    bounded: workload.bounded,
    partitions: (path) => inputOf(path).partitions.map((rows) => rows.map(({ values }) => values)),
    splitId(path, partition) {
      const { table } = inputOf(path)
      if (workload.source === 'kafka') return `${inputName(table)}-${partition}`
      return inputFile(table, partition)
    },
    rowsBefore(path, partition, position) {
      const { offset } = position as { readonly offset: number }
      // Records of the input are numbered from 0; a file's position is in bytes.
      if (workload.source === 'kafka') return offset
      return endsOf(inputOf(path).table)[partition]!.filter((end) => end <= offset).length
    },
  }
}
