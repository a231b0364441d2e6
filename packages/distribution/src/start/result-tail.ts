/** The embedded default's results: committed part files of the output directory, each row once. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface WindowRow {
  readonly sensor_id: string
  readonly window_start: string
  readonly window_end: string
  readonly avg_temperature: number
  readonly max_temperature: number
  readonly min_temperature: number
  readonly avg_humidity: number
  readonly reading_count: number
}

/** Gives the rows that were committed since the last call. */
export interface ResultTail {
  next(): readonly WindowRow[] | Promise<readonly WindowRow[]>
  close(): void | Promise<void>
}

/** Pending and in-progress files begin with a dot or an underscore and are left alone. */
export function fileResultTail(directory: string): ResultTail {
  const seen = new Set<string>()
  return {
    next() {
      if (!existsSync(directory)) return []
      const rows: WindowRow[] = []
      for (const name of readdirSync(directory).sort()) {
        if (/^[._]/.test(name) || seen.has(name)) continue
        seen.add(name)
        for (const line of readFileSync(join(directory, name), 'utf8').split('\n')) {
          if (line !== '') rows.push(JSON.parse(line) as WindowRow)
        }
      }
      return rows
    },
    close() {},
  }
}
