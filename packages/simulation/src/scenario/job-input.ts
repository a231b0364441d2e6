/** The input of a workload: topics or files, filled before the job starts or while it runs. */

import { INPUT_DIRECTORY, type SimulatedEnvironment } from '../environment/simulated-environment.ts'
import { BESIDE_INPUT, type Beside, besideLines } from '../workload/beside.ts'
import { inputName, OUTPUT_NAME, type Workload } from '../workload/workload.ts'
import { inputLines } from '../workload/workload-text.ts'

const OUTPUT_PARTITIONS = 2

interface Arrival {
  readonly table: string
  readonly partition: number
  readonly lines: string[]
}

export class JobInput {
  readonly #environment: SimulatedEnvironment
  readonly #workload: Workload
  /** By arrival time; 0: there from the beginning. */
  readonly #arrivals = new Map<number, Arrival[]>()

  constructor(environment: SimulatedEnvironment, workload: Workload) {
    this.#environment = environment
    this.#workload = workload
    for (const { table } of workload.inputs) {
      inputLines(workload, table).forEach((lines, partition) => {
        for (const { atMs, line } of lines) this.#add(atMs, table, partition, line)
      })
    }
  }

  #add(atMs: number, table: string, partition: number, line: string): void {
    const arrivals = this.#arrivals.get(atMs) ?? []
    this.#arrivals.set(atMs, arrivals)
    const last = arrivals[arrivals.length - 1]
    const full = (last?.lines.length ?? 0) >= this.#workload.batchRowsMax
    if (last?.table === table && last.partition === partition && !full) last.lines.push(line)
    else arrivals.push({ table, partition, lines: [line] })
  }

  /** Topics and directories, with the lines that are there from the beginning. */
  create(): void {
    this.#createEmpty()
    this.#deliver(0)
  }

  /** The same with every line. */
  createWhole(): void {
    this.#createEmpty()
    for (const time of this.#times()) this.#deliver(time)
  }

  #createEmpty(): void {
    const { broker, disk } = this.#environment
    const { source, sink, inputs } = this.#workload
    if (sink === 'kafka') broker.createTopic(OUTPUT_NAME, OUTPUT_PARTITIONS)
    for (const { table, partitions } of inputs) {
      if (source === 'kafka') {
        broker.createTopic(inputName(table), partitions.length)
        continue
      }
      for (const file of partitions.keys()) {
        disk.place(inputFile(table, file), new Uint8Array(0))
      }
    }
    if (this.#workload.beside !== undefined) {
      disk.makeDirectory(`${INPUT_DIRECTORY}/${BESIDE_INPUT}`, '')
    }
  }

  /** The others arrive at their times from now on. */
  feed(): void {
    for (const time of this.#times()) {
      if (time > 0) this.#environment.world.after(time, () => this.#deliver(time))
    }
    const { beside } = this.#workload
    for (const [file, atMs] of beside?.filesAtMs.entries() ?? []) {
      this.#environment.world.after(atMs, () => this.#placeBeside(beside as Beside, file))
    }
  }

  #placeBeside(beside: Beside, file: number): void {
    const path = `${INPUT_DIRECTORY}/${BESIDE_INPUT}/file-${file}.json`
    this.#environment.disk.place(path, new TextEncoder().encode(besideLines(beside, file)))
  }

  #times(): number[] {
    return [...this.#arrivals.keys()].sort((a, b) => a - b)
  }

  #deliver(time: number): void {
    const { broker, disk } = this.#environment
    for (const { table, partition, lines } of this.#arrivals.get(time) ?? []) {
      if (this.#workload.source === 'kafka') broker.append(inputName(table), partition, lines)
      else {
        const text = lines.map((line) => `${line}\n`).join('')
        disk.extend(inputFile(table, partition), new TextEncoder().encode(text))
      }
    }
  }
}

export function inputFile(table: string, file: number): string {
  return `${INPUT_DIRECTORY}/${inputName(table)}/file-${file}.json`
}
