/**
 * `'connector' = 'blackhole'`: counts rows and drops them; for measuring what comes before.
 */
import {
  SINK_PARALLELISM,
  type TableConnector,
  validateTableOptions,
  type WriterContext,
} from '@millrace/connector'
import { type ColumnBatch, Configuration } from '@millrace/core'
import { UncommittedWriter } from '../uncommitted-writer.ts'

class BlackholeWriter extends UncommittedWriter {
  readonly #context: WriterContext

  constructor(context: WriterContext) {
    super()
    this.#context = context
  }

  write(batch: ColumnBatch): void {
    this.#context.metrics.numRecordsSend += batch.rowCount
  }
}

export const blackholeConnector: TableConnector = {
  name: 'blackhole',
  options: [],
  optionPrefixes: [],
  sink: {
    plan({ options }) {
      validateTableOptions(blackholeConnector, null, options)
      const parallelism = new Configuration(options).get(SINK_PARALLELISM)
      return {
        config: {},
        accepts: 'upsert',
        ...(parallelism === undefined ? {} : { parallelism }),
      }
    },
    createWriter: (_config, context) => new BlackholeWriter(context),
  },
}
