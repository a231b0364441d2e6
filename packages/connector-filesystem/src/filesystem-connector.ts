/**
 * `'connector' = 'filesystem'`: JSON lines in files and directories, read as splits and written as
 * exactly-once part files.
 */
import {
  connectorError,
  FORMAT_OPTION,
  formatOfTable,
  requiredTableOption,
  SCAN_PARALLELISM,
  SINK_PARALLELISM,
  type TableConnector,
  type TableDescription,
  validateTableOptions,
} from '@millrace/connector'
import { Configuration } from '@millrace/core'
import { localPathOf } from '@millrace/platform'
import type { FileSinkConfig, FileSourceConfig } from './file-table-config.ts'
import {
  FILESYSTEM_TABLE_OPTIONS,
  LINE_LENGTH_MAX,
  MONITOR_INTERVAL,
  PATH,
  ROLLING_FILE_SIZE,
} from './filesystem-table-options.ts'
import { PartFileWriter } from './sink/part-file-writer.ts'
import { FileSourceReader } from './source/file-source-reader.ts'
import { FileSplitEnumerator } from './source/file-split-enumerator.ts'

const NAME = 'filesystem'

function absolutePath(text: string): string {
  const path = localPathOf(text)
  if (path !== null) return path
  throw connectorError('TABLE_OPTION_INVALID', `Set 'path' to an absolute path; it is '${text}'.`, {
    location: { optionKey: PATH.key },
    hint: "For example: 'path' = '/data/readings' or 'file:///data/readings'.",
  })
}

function common(table: TableDescription) {
  requiredTableOption(NAME, FORMAT_OPTION, table.options)
  const format = formatOfTable(NAME, table)
  validateTableOptions(filesystemConnector, format, table.options)
  return {
    path: absolutePath(requiredTableOption(NAME, PATH, table.options)),
    format: format.name,
    options: table.options,
  }
}

export const filesystemConnector: TableConnector = {
  name: NAME,
  options: FILESYSTEM_TABLE_OPTIONS,
  optionPrefixes: [],
  source: {
    plan(table) {
      const settings = common(table)
      const options = new Configuration(table.options)
      const monitorIntervalMs = options.get(MONITOR_INTERVAL) ?? null
      const config: FileSourceConfig = {
        ...settings,
        monitorIntervalMs,
        lineBytesMax: options.get(LINE_LENGTH_MAX),
      }
      const parallelism = options.get(SCAN_PARALLELISM)
      return {
        reads: [`path ${settings.path}`],
        bounded: monitorIntervalMs === null,
        config,
        ...(parallelism === undefined ? {} : { parallelism }),
      }
    },
    createEnumerator: (config, context) =>
      new FileSplitEnumerator(config as FileSourceConfig, context),
    createReader: (config, context) => new FileSourceReader(config as FileSourceConfig, context),
  },
  sink: {
    plan(table) {
      const options = new Configuration(table.options)
      const config: FileSinkConfig = {
        ...common(table),
        fileSizeMax: options.get(ROLLING_FILE_SIZE),
      }
      const parallelism = options.get(SINK_PARALLELISM)
      return {
        config,
        accepts: 'insert',
        ...(parallelism === undefined ? {} : { parallelism }),
      }
    },
    createWriter: (config, context) => new PartFileWriter(config as FileSinkConfig, context),
  },
}
