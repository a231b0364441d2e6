/**
 * Beside: a second pipeline in the statement set of a generated job, without data between the two —
 * numbers from files into files, over an exchange. What fails in it is to leave the other alone.
 */
import { quote } from './model/sql-type.ts'

/** Files of consecutive numbers, each with the time at which it is there, from the job's start. */
export interface Beside {
  readonly rowsPerFile: number
  readonly filesAtMs: readonly number[]
}

export const BESIDE_INPUT = 'beside-input'
export const BESIDE_OUTPUT = 'beside-output'

export function besideRows({ rowsPerFile, filesAtMs }: Beside): number {
  return rowsPerFile * filesAtMs.length
}

/** The lines of one file. */
export function besideLines({ rowsPerFile }: Beside, file: number): string {
  const numbers = Array.from({ length: rowsPerFile }, (_, i) => file * rowsPerFile + i)
  return numbers.map((n) => `${besideLine(n)}\n`).join('')
}

export function besideLine(n: number): string {
  return `{"n":${n}}`
}

/** `format`: of both its tables. Its sink has one subtask: there is an exchange before it. */
export function besideSql(places: {
  readonly inputDirectory: string
  readonly outputDirectory: string
  readonly format: string
}): { readonly tables: readonly string[]; readonly insert: string } {
  const table = (name: string, path: string, more: string) =>
    `CREATE TABLE ${name} (n BIGINT) WITH ('connector' = 'filesystem', 'path' = ${quote(path)}, 'format' = ${quote(places.format)}${more});`
  return {
    tables: [
      table(
        'beside_input',
        `${places.inputDirectory}/${BESIDE_INPUT}`,
        ", 'source.monitor-interval' = '150 ms'",
      ),
      table(
        'beside_output',
        `${places.outputDirectory}/${BESIDE_OUTPUT}`,
        ", 'sink.parallelism' = '1'",
      ),
    ],
    insert: 'INSERT INTO beside_output SELECT n FROM beside_input;',
  }
}
