/**
 * TaskFailures: lets one task fail by itself — of tables in a format of their own, which reads and
 * writes JSON until it is told to fail.
 */
import { type Format, jsonFormat } from '@millrace/connector'
import { simulationError } from '../error-codes.ts'
import type { FaultClass } from './fault.ts'
import type { ApplyFault } from './fault-engine.ts'

type Place = 'reading' | 'writing'

export class TaskFailures {
  /** `failing-json`. */
  readonly format: Format
  #armed: { readonly place: Place; struck: boolean } | null = null

  constructor() {
    this.format = {
      name: 'failing-json',
      options: [],
      validate: () => {},
      createDecoder: (settings) => {
        const decoder = jsonFormat.createDecoder(settings)
        return {
          decode: (spans, from, to, origin) => {
            this.#meet('reading')
            return decoder.decode(spans, from, to, origin)
          },
        }
      },
      createEncoder: (settings) => {
        const encoder = jsonFormat.createEncoder(settings)
        return {
          encode: (batch) => {
            this.#meet('writing')
            return encoder.encode(batch)
          },
        }
      },
    }
  }

  #meet(place: Place): void {
    const armed = this.#armed
    if (armed?.place !== place || armed.struck) return
    armed.struck = true
    throw simulationError('SIMULATED_TASK_FAILURE', `A task fails on purpose, while ${place}.`)
  }

  /** The next task that reads or writes such a table fails. */
  faults(): [FaultClass, ApplyFault][] {
    return [['task-failure', (fault) => this.#arm(fault.target < 0.5 ? 'reading' : 'writing')]]
  }

  #arm(place: Place): ReturnType<ApplyFault> {
    const armed = { place, struck: false }
    this.#armed = armed
    return {
      about: place,
      hasStruck: () => armed.struck,
      end: () => {
        if (this.#armed === armed) this.#armed = null
      },
    }
  }
}
