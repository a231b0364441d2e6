/**
 * `'connector' = 'print'`: rows as text lines on the TaskManager's standard output.
 *
 * `identifier:subtask> +I[…]`: the subtask (from 1) shows when there are several, the identifier
 * when it is set.
 */
import {
  SINK_PARALLELISM,
  type TableConnector,
  validateTableOptions,
  type WriterContext,
} from '@millrace/connector'
import { type ColumnBatch, Configuration, option } from '@millrace/core'
import { UncommittedWriter } from '../uncommitted-writer.ts'
import { rowText } from './row-text.ts'

export const PRINT_IDENTIFIER = option.string({
  key: 'print-identifier',
  defaultValue: '',
  description: 'Text before each row.',
})
export const STANDARD_ERROR = option.boolean({
  key: 'standard-error',
  defaultValue: false,
  description: 'Print to standard error instead of standard output.',
})

export interface PrintConfig {
  readonly identifier: string
  readonly standardError: boolean
}

class PrintWriter extends UncommittedWriter {
  readonly #context: WriterContext
  readonly #prefix: string
  readonly #toError: boolean

  constructor({ identifier, standardError }: PrintConfig, context: WriterContext) {
    super()
    this.#context = context
    this.#toError = standardError
    const { subtaskIndex, parallelism } = context.subtask
    const parts = [identifier, parallelism > 1 ? String(subtaskIndex + 1) : '']
    const prefix = parts.filter((part) => part !== '').join(':')
    this.#prefix = prefix === '' ? '' : `${prefix}> `
  }

  write(batch: ColumnBatch): void {
    const { platform, schema, metrics } = this.#context
    let text = ''
    for (let row = 0; row < batch.rowCount; row++) {
      text += `${this.#prefix}${rowText(batch, row, schema)}\n`
    }
    metrics.numRecordsSend += batch.rowCount
    const { console } = platform
    if (console === undefined) platform.logger.info(text.trimEnd())
    else if (this.#toError) console.writeError(text)
    else console.write(text)
  }
}

export const printConnector: TableConnector = {
  name: 'print',
  options: [PRINT_IDENTIFIER, STANDARD_ERROR],
  optionPrefixes: [],
  sink: {
    plan({ options }) {
      validateTableOptions(printConnector, null, options)
      const configuration = new Configuration(options)
      const config: PrintConfig = {
        identifier: configuration.get(PRINT_IDENTIFIER),
        standardError: configuration.get(STANDARD_ERROR),
      }
      const parallelism = configuration.get(SINK_PARALLELISM)
      return {
        config,
        accepts: 'retract',
        ...(parallelism === undefined ? {} : { parallelism }),
      }
    },
    createWriter: (config, context) => new PrintWriter(config as PrintConfig, context),
  },
}
