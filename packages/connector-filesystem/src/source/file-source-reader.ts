/**
 * Reads the splits of a filesystem table in a slot: blocks → lines → decoder → batches.
 *
 * Files take turns batch by batch, so that event time advances in all of them together. Those with
 * an end wait for the one whose turn it is: in which order the rows come, and so which are late,
 * depends on the files alone, not on which of them is read faster. A position is the file offset
 * after the last line emitted. At the end of a bounded file a last line without newline counts; in
 * a followed file it waits for its newline.
 */
import {
  type DecodeOrigin,
  type FormatDecoder,
  type ReaderContext,
  type ReaderOutput,
  RecordSpans,
  type SourceReader,
  type SourceSplit,
} from '@millrace/connector'
import { BATCH_ROWS_TARGET } from '@millrace/core'
import { filesystemError } from '../error-codes.ts'
import type { FileSourceConfig } from '../file-table-config.ts'
import { LINE_LENGTH_MAX } from '../filesystem-table-options.ts'
import { FileBlocks } from './file-blocks.ts'
import type { FilePosition, FileSplit } from './file-split.ts'
import { indexOfNewline, scanLines } from './line-scan.ts'

/** Files with an end that are read at a time; the others wait their turn. */
const OPEN_SPLITS_MAX = 8

interface OpenSplit {
  readonly split: FileSplit
  readonly blocks: FileBlocks
  aligned: boolean
  delivered: boolean
  toldEmpty: boolean
}

export class FileSourceReader implements SourceReader {
  readonly #config: FileSourceConfig
  readonly #context: ReaderContext
  readonly #decoder: FormatDecoder
  readonly #spans = new RecordSpans(
    new Uint8Array(0),
    new Int32Array(BATCH_ROWS_TARGET),
    new Int32Array(BATCH_ROWS_TARGET),
    0,
  )
  #open: OpenSplit[] = []
  #waiting: FileSplit[] = []
  #turn = 0
  #noMoreSplits = false
  #closed = false
  #cancelTimer: (() => void) | null = null

  constructor(config: FileSourceConfig, context: ReaderContext) {
    this.#config = config
    this.#context = context
    const format = context.formats.get(config.format)
    if (format === undefined) throw new Error(`format '${config.format}' is not registered`)
    this.#decoder = format.createDecoder({
      schema: context.schema,
      projection: context.projection,
      options: config.options,
      metrics: context.metrics,
    })
  }

  start(): void {
    this.#scheduleLook()
  }

  addSplits(splits: readonly SourceSplit[]): void {
    this.#waiting.push(...(splits as FileSplit[]))
    this.#openWaiting()
  }

  noMoreSplits(): void {
    this.#noMoreSplits = true
    this.#context.wakeUp()
  }

  #openWaiting(): void {
    const follows = this.#config.monitorIntervalMs !== null
    while (this.#waiting.length > 0 && (follows || this.#open.length < OPEN_SPLITS_MAX)) {
      const split = this.#waiting.shift() as FileSplit
      const blocks = new FileBlocks(
        this.#context.platform,
        split.position,
        () => this.#context.wakeUp(),
        (error) => this.#context.fail(error),
      )
      const { aligned } = split.position
      this.#open.push({ split, blocks, aligned, delivered: false, toldEmpty: false })
      blocks.readAhead()
    }
  }

  /** Looks at the ends of followed files from time to time. */
  #scheduleLook(): void {
    const intervalMs = this.#config.monitorIntervalMs
    if (intervalMs === null) return
    this.#cancelTimer = this.#context.platform.clock.setTimer(intervalMs, () => {
      if (this.#closed) return
      for (const { blocks } of this.#open) if (blocks.atEnd) blocks.retryEnd()
      this.#scheduleLook()
    })
  }

  poll(output: ReaderOutput): 'more' | 'empty' | 'end-of-input' {
    if (this.#closed) return 'empty'
    const tries = this.#config.monitorIntervalMs === null ? 1 : this.#open.length
    for (let tried = 0; tried < tries && this.#open.length > 0; tried++) {
      const turn = (this.#turn + 1) % this.#open.length
      const open = this.#open[turn] as OpenSplit
      const result = this.#take(open, output)
      // A file that has nothing yet keeps its turn, unless the others would wait for it for ever.
      if (result !== 'nothing' || tries > 1) this.#turn = turn
      if (result === 'emitted') return 'more'
      if (result === 'finished') {
        this.#finish(open, output)
        return 'more'
      }
    }
    if (this.#open.length === 0 && this.#waiting.length === 0 && this.#noMoreSplits) {
      return 'end-of-input'
    }
    return 'empty'
  }

  /** The line at `start` of the block, or what is there of it, is not longer than allowed. */
  #requireLength({ blocks }: OpenSplit, start: number, length: number): void {
    const { lineBytesMax } = this.#config
    if (length <= lineBytesMax) return
    const offset = String(blocks.offset - blocks.position + start)
    throw filesystemError(
      'FILESYSTEM_LINE_TOO_LONG',
      `Break the line of ${blocks.path} at byte ${offset}, or allow longer ones: ` +
        `it has at least ${length} bytes, ${lineBytesMax} are allowed.`,
      {
        location: { file: blocks.path, offset, optionKey: LINE_LENGTH_MAX.key },
        hint: `A row is one line; '${LINE_LENGTH_MAX.key}' is the limit of the table.`,
      },
    )
  }

  #finish(open: OpenSplit, output: ReaderOutput): void {
    this.#open = this.#open.filter((other) => other !== open)
    this.#turn = 0
    void open.blocks.close()
    output.splitFinished(open.split.id)
    this.#openWaiting()
  }

  #take(open: OpenSplit, output: ReaderOutput): 'emitted' | 'finished' | 'nothing' {
    const { blocks } = open
    const { end } = open.split.position
    const spans = this.#spans
    for (;;) {
      if (!open.aligned) this.#align(open)
      const isPast = end !== null && open.aligned && blocks.offset >= end
      if (isPast) return 'finished'
      spans.count = 0
      const first = blocks.position
      const limit =
        end === null ? blocks.filled : Math.min(blocks.filled, first + end - blocks.offset)
      let after = first
      if (open.aligned) {
        after = scanLines(
          spans,
          blocks.bytes,
          blocks.view,
          first,
          blocks.filled,
          limit,
          BATCH_ROWS_TARGET,
        )
      }
      if (spans.count === 0 && after === first) {
        this.#requireLength(open, first, blocks.filled - first)
        if (blocks.advance()) {
          blocks.readAhead()
          continue
        }
        if (!blocks.atEnd) {
          blocks.readAhead()
          return 'nothing'
        }
        return this.#atEnd(open, output)
      }
      for (let i = 0; i < spans.count; i++) {
        this.#requireLength(open, spans.starts[i] as number, spans.lengths[i] as number)
      }
      this.#emit(open, after, output)
      if (spans.count > 0) return 'emitted'
    }
  }

  /** Passes over the rest of a line that belongs to the split before. */
  #align(open: OpenSplit): void {
    const { blocks } = open
    const newline = indexOfNewline(blocks.bytes, blocks.view, blocks.position, blocks.filled)
    if (newline >= 0) {
      blocks.consumeTo(newline + 1)
      open.aligned = true
    } else blocks.consumeTo(blocks.filled)
  }

  /** The file has been read to its end and the block holds no whole line. */
  #atEnd(open: OpenSplit, output: ReaderOutput): 'emitted' | 'finished' | 'nothing' {
    const { blocks } = open
    if (open.split.position.end === null) {
      if (!open.delivered && !open.toldEmpty) {
        open.toldEmpty = true
        output.splitCaughtUpEmpty(open.split.id)
      }
      return 'nothing'
    }
    const rest = blocks.filled - blocks.position
    if (rest === 0 || !open.aligned) return 'finished'
    const spans = this.#spans
    spans.starts[0] = blocks.position
    spans.lengths[0] = rest
    spans.count = 1
    this.#emit(open, blocks.filled, output)
    return 'emitted'
  }

  #emit(open: OpenSplit, after: number, output: ReaderOutput): void {
    const { blocks, split } = open
    const spans = this.#spans
    spans.bytes = blocks.bytes
    const fileStart = blocks.offset - blocks.position
    const origin: DecodeOrigin = {
      locate: (index) => ({
        file: blocks.path,
        offset: String(fileStart + (spans.starts[index] as number)),
      }),
    }
    const batch = spans.count === 0 ? null : this.#decoder.decode(spans, 0, spans.count, origin)
    this.#context.metrics.numBytesIn += after - blocks.position
    blocks.consumeTo(after)
    if (batch === null || batch.rowCount === 0) return
    open.delivered = true
    output.emit(split.id, batch)
  }

  snapshot(): readonly FileSplit[] {
    const open = this.#open.map(({ split, blocks, aligned }): FileSplit => {
      const position: FilePosition = { ...split.position, offset: blocks.offset, aligned }
      return { ...split, position }
    })
    return [...open, ...this.#waiting]
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelTimer?.()
    await Promise.all(this.#open.map(({ blocks }) => blocks.close()))
    this.#open = []
    this.#waiting = []
  }
}
