/**
 * A split of a filesystem source: the lines of one file that begin in a byte range.
 */
import type { SourceSplit } from '@millrace/connector'

/** Plain JSON, in `SourceSplit.position`. */
export interface FilePosition {
  readonly path: string
  /** Where to read on. */
  readonly offset: number
  /**
   * False: `offset` may be inside a line of the split before; what precedes the next
   * line is skipped.
   */
  readonly aligned: boolean
  /** Lines that begin at or after it belong to another split; null: follow the file's growth. */
  readonly end: number | null
}

export interface FileSplit extends SourceSplit {
  readonly position: FilePosition
}

const MAY_GROW = "It is read to its end and may grow ('source.monitor-interval')"

/** Files larger than two of these are read by several readers. */
export const SPLIT_BYTES = 64 * 1024 * 1024

/** The splits of a file: one, or byte ranges of a large one that has an end. */
export function splitsOfFile(path: string, size: number, follow: boolean): FileSplit[] {
  if (follow) return [split(path, path, 0, true, null)]
  if (size < 2 * SPLIT_BYTES) return [split(path, path, 0, true, size)]
  const splits: FileSplit[] = []
  for (let start = 0; start < size; start += SPLIT_BYTES) {
    const rest = size - start
    const end = rest < 2 * SPLIT_BYTES ? size : start + SPLIT_BYTES
    // One byte earlier, so that a line which begins exactly at `start` is found by the
    // newline before it.
    splits.push(split(`${path}@${start}`, path, Math.max(0, start - 1), start === 0, end))
    if (end === size) break
  }
  return splits
}

function split(
  id: string,
  path: string,
  offset: number,
  aligned: boolean,
  end: number | null,
): FileSplit {
  const position = { path, offset, aligned, end }
  return end === null
    ? { id, description: `file ${path}`, silence: MAY_GROW, position }
    : { id, description: `file ${path}, bytes ${offset} to ${end}`, position }
}
