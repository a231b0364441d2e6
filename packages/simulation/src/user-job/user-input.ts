/**
 * The input of a user's job in one run: topics and files that fill as the schedule says.
 *
 * A bounded job must find all of its input when it starts; readers are held back instead, at the
 * line up to which the input has been delivered.
 */
import type { SimulatedEnvironment } from '../environment/simulated-environment.ts'
import { delay } from '../world/scheduler.ts'
import type { InputSchedule, ScheduleStep } from './input-schedule.ts'
import type { PlaceInput } from './resolve-inputs.ts'

const LOOK_MS = 50

interface Portion {
  readonly input: PlaceInput
  readonly partition: number
  readonly count: number
}

export class UserInput {
  readonly #environment: SimulatedEnvironment
  readonly #inputs: readonly PlaceInput[]
  readonly #schedule: InputSchedule
  /** By place and partition: lines delivered so far. */
  readonly #delivered: number[][]
  /** The kills at ABORTs, for people. */
  readonly killed: string[] = []

  constructor(
    environment: SimulatedEnvironment,
    inputs: readonly PlaceInput[],
    schedule: InputSchedule,
  ) {
    this.#environment = environment
    this.#inputs = inputs
    this.#schedule = schedule
    this.#delivered = inputs.map(({ partitions }) => partitions.map(() => 0))
  }

  create(): void {
    const { broker, disk } = this.#environment
    for (const { connector, place, partitions } of this.#inputs) {
      if (connector === 'kafka') broker.createTopic(place, partitions.length)
      else partitions.forEach((_, file) => void disk.place(fileOf(place, file), new Uint8Array(0)))
    }
    const { first, steps } = this.#schedule
    this.#deliver(first, false)
    for (const step of steps) {
      if (step.kind === 'deliver') this.#deliver(step.counts, true)
    }
    this.#hold(first)
  }

  async feed(): Promise<void> {
    const { world } = this.#environment
    for (const step of this.#schedule.steps) {
      await delay(world, step.afterMs)
      if (step.kind === 'kill') await this.#kill(step)
      else {
        this.#deliver(step.counts, false)
        this.#hold(step.counts)
        world.log.add(world.nowMs, 'input', 'delivered', shownCounts(this.#inputs, step.counts))
      }
    }
  }

  /**
   * Lines up to `counts`, of places that are filled `ahead` (bounded ones), or of all that
   * are not full yet.
   */
  #deliver(counts: readonly (readonly number[])[], ahead: boolean): void {
    for (const { input, partition, count } of this.#portions(counts)) {
      if (ahead && !input.bounded) continue
      const index = this.#inputs.indexOf(input)
      const before = this.#delivered[index]?.[partition] ?? 0
      const lines = input.partitions[partition]?.lines.slice(before, count) ?? []
      if (lines.length === 0) continue
      const { broker, disk } = this.#environment
      if (input.connector === 'kafka') broker.append(input.place, partition, lines)
      else {
        const text = lines.map((line) => `${line}\n`).join('')
        disk.extend(fileOf(input.place, partition), new TextEncoder().encode(text))
      }
      ;(this.#delivered[index] as number[])[partition] = count
    }
  }

  /** Readers of bounded places get no more than that. */
  #hold(counts: readonly (readonly number[])[]): void {
    const { broker, disk } = this.#environment
    for (const { input, partition, count } of this.#portions(counts)) {
      if (!input.bounded) continue
      const lines = input.partitions[partition]?.lines ?? []
      const isAll = count === lines.length
      if (input.connector === 'kafka') {
        broker.holdBack(input.place, partition, isAll ? Number.POSITIVE_INFINITY : count)
      } else {
        const bytes = Buffer.byteLength(
          lines
            .slice(0, count)
            .map((line) => `${line}\n`)
            .join(''),
        )
        const from = isAll ? Number.POSITIVE_INFINITY : bytes
        disk.holdBack(fileOf(input.place, partition), from)
      }
    }
  }

  *#portions(counts: readonly (readonly number[])[]): Iterable<Portion> {
    for (const [index, input] of this.#inputs.entries()) {
      for (const partition of input.partitions.keys()) {
        yield { input, partition, count: counts[index]?.[partition] ?? 0 }
      }
    }
  }

  /** Kills a TaskManager that runs something, if one does; its host starts another one later. */
  async #kill(step: ScheduleStep & { kind: 'kill' }): Promise<void> {
    const { world, cluster } = this.#environment
    while (cluster.taskManagers.size === 0) await delay(world, LOOK_MS)
    const living = [...cluster.taskManagers.values()].map(({ process }) => process)
    const working = living.filter(({ children }) => children.length > 0)
    const candidates = working.length > 0 ? working : living
    const process = candidates[Math.floor(step.target * candidates.length)]
    if (process === undefined) return
    this.killed.push(`${world.nowMs.toFixed(0)} ms ABORT ${process.name}`)
    world.log.add(world.nowMs, 'input', 'abort', process.name)
    process.kill()
    world.after(step.downMs, () => {
      if (!cluster.taskManagers.has(process.host)) cluster.startTaskManager(process.host)
    })
  }
}

function shownCounts(
  inputs: readonly PlaceInput[],
  counts: readonly (readonly number[])[],
): string {
  return inputs.map(({ place }, index) => `${place} ${counts[index]?.join('+')}`).join(', ')
}

function fileOf(directory: string, file: number): string {
  return `${directory}/part-${file}.json`
}
