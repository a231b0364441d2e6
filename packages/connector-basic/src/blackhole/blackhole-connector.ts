/**
 * `'connector' = 'blackhole'`: counts rows and drops them; for measuring what comes before.
 */
import {
  SINK_PARALLELISM,
  type SinkWriter,
  type TableConnector,
  validateTableOptions,
  type WriterContext,
} from '@millrace/connector'
import { type ColumnBatch, Configuration } from '@millrace/core'

class BlackholeWriter implements SinkWriter {
  readonly #context: WriterContext

  constructor(context: WriterContext) {
    this.#context = context
  }

  async open(): Promise<void> {}

  write(batch: ColumnBatch): void {
    this.#context.metrics.numRecordsSend += batch.rowCount
  }

  isAvailable(): boolean {
    return true
  }

  async prepareCommit(): Promise<[]> {
    return []
  }

  snapshotState(): [] {
    return []
  }

  async commit(): Promise<void> {}
  async finish(): Promise<void> {}
  close(): void {}
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
        acceptsChangelog: true,
        ...(parallelism === undefined ? {} : { parallelism }),
      }
    },
    createWriter: (_config, context) => new BlackholeWriter(context),
  },
}
