/**
 * A format for this package's tests and benchmarks: one STRING column that is the record's bytes,
 * as references into the response.
 *
 * It decodes next to nothing, so what is measured and tested is the connector.
 */
import { type Format, RecordSpans } from '@millrace/connector'
import { ColumnBatch, type Schema, StringColumn, StringPool } from '@millrace/core'

export const RAW_SCHEMA: Schema = {
  fields: [{ name: 'line', type: { kind: 'STRING', nullable: true } }],
}

export const rawFormat: Format = {
  name: 'raw',
  options: [],
  validate: () => {},
  createDecoder: () => {
    const pool = new StringPool(new Uint8Array(0), new Int32Array(0), new Int32Array(0), 0)
    const batch = new ColumnBatch(0, [new StringColumn(pool, null, null)])
    return {
      decode(spans, from, to) {
        pool.bytes = spans.bytes
        pool.starts = spans.starts.subarray(from, to)
        pool.lengths = spans.lengths.subarray(from, to)
        pool.size = to - from
        batch.rowCount = to - from
        return batch
      },
    }
  },
  createEncoder: () => {
    const spans = new RecordSpans(new Uint8Array(0), new Int32Array(0), new Int32Array(0), 0)
    return {
      encode(batch) {
        const { pool } = batch.columns[0] as StringColumn
        spans.bytes = pool.bytes
        spans.starts = pool.starts
        spans.lengths = pool.lengths
        spans.count = batch.rowCount
        return spans
      },
    }
  },
}

/** The rows of a raw batch as text. */
export function linesOf(batch: ColumnBatch): string[] {
  const { pool } = batch.columns[0] as StringColumn
  const lines: string[] = []
  for (let i = 0; i < batch.rowCount; i++) {
    const start = pool.starts[i] as number
    const length = pool.lengths[i] as number
    lines.push(Buffer.from(pool.bytes.subarray(start, start + length)).toString())
  }
  return lines
}

/** A raw batch of texts. */
export function batchOf(lines: readonly string[]): ColumnBatch {
  const bytes = Buffer.from(lines.join(''))
  const starts = new Int32Array(lines.length)
  const lengths = new Int32Array(lines.length)
  let at = 0
  lines.forEach((line, i) => {
    starts[i] = at
    lengths[i] = Buffer.byteLength(line)
    at += lengths[i] as number
  })
  const pool = new StringPool(bytes, starts, lengths, lines.length)
  return new ColumnBatch(lines.length, [new StringColumn(pool, null, null)])
}
