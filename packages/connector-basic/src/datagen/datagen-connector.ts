/**
 * `'connector' = 'datagen'`: rows out of nothing, at a given rate, the same again after a restore.
 */
import {
  type EnumeratorContext,
  SCAN_PARALLELISM,
  type SplitEnumerator,
  type TableConnector,
  validateTableOptions,
} from '@millrace/connector'
import { Configuration } from '@millrace/core'
import type { DatagenConfig, DatagenPosition } from './datagen-config.ts'
import { DatagenReader } from './datagen-reader.ts'
import { DATAGEN_TABLE_OPTIONS, NUMBER_OF_ROWS, ROWS_PER_SECOND } from './datagen-table-options.ts'
import { planFields, rowLimitOf } from './field-plan.ts'

/**
 * One split a subtask of the first start; a restore deals the same splits to however
 * many there are.
 */
class DatagenEnumerator implements SplitEnumerator {
  readonly #context: EnumeratorContext
  #dealt = false
  #seed = 0
  #startMs = 0

  constructor(context: EnumeratorContext) {
    this.#context = context
  }

  start(restored: unknown): void {
    const state = restored as { dealt: boolean; seed: number; startMs: number } | null
    const { clock, random } = this.#context.platform
    this.#dealt = state?.dealt ?? false
    this.#seed = state?.seed ?? Math.floor(random.next() * 2 ** 31)
    this.#startMs = state?.startMs ?? clock.nowMs()
    this.#deal()
  }

  addReader(): void {
    this.#deal()
  }

  #deal(): void {
    const count = this.#context.parallelism
    if (this.#context.registeredReaders().length < count) return
    for (let index = 0; index < count; index++) {
      if (!this.#dealt) {
        const seed = this.#seed
        const position: DatagenPosition = { index, count, emitted: 0, seed, startMs: this.#startMs }
        const id = `datagen-${index}`
        const description = `rows ${index}, ${index + count}, …`
        this.#context.assignSplits(index, [{ id, description, position }])
      }
      this.#context.signalNoMoreSplits(index)
    }
    this.#dealt = true
  }

  handleReaderEvent(): void {}

  snapshot(): unknown {
    return { dealt: this.#dealt, seed: this.#seed, startMs: this.#startMs }
  }

  close(): void {}
}

export const datagenConnector: TableConnector = {
  name: 'datagen',
  options: DATAGEN_TABLE_OPTIONS,
  optionPrefixes: ['fields.'],
  source: {
    plan({ options, schema }) {
      validateTableOptions(datagenConnector, null, options)
      const configuration = new Configuration(options)
      const fields = planFields(schema, options)
      const rowLimit = rowLimitOf(fields, configuration.get(NUMBER_OF_ROWS) ?? null)
      const rowsPerSecond = configuration.get(ROWS_PER_SECOND)
      const config: DatagenConfig = { fields, rowsPerSecond, rowLimit }
      const parallelism = configuration.get(SCAN_PARALLELISM)
      return {
        bounded: rowLimit !== null,
        config,
        ...(rowLimit === null ? {} : { parallelismMax: Math.max(1, rowLimit) }),
        ...(parallelism === undefined ? {} : { parallelism }),
      }
    },
    createEnumerator: (_config, context) => new DatagenEnumerator(context),
    createReader: (config, context) => new DatagenReader(config as DatagenConfig, context),
  },
}
