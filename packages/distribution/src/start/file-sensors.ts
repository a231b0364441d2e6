/** The embedded default's sensors: JSON lines appended to one file a partition. */
import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { PARTITION_COUNT, partitionOf, type SensorReading } from './sensor-readings.ts'

export interface SensorWriter {
  write(readings: readonly SensorReading[]): void | Promise<void>
  close(): void | Promise<void>
}

/** Appends to `directory/partition-<n>.jsonl`; the files exist from the start. */
export function fileSensorWriter(directory: string): SensorWriter {
  mkdirSync(directory, { recursive: true })
  const files = Array.from({ length: PARTITION_COUNT }, (_, n) =>
    join(directory, `partition-${n}.jsonl`),
  )
  for (const file of files) appendFileSync(file, '')
  return {
    write(readings) {
      const texts = files.map(() => '')
      for (const reading of readings) texts[partitionOf(reading)] += `${JSON.stringify(reading)}\n`
      texts.forEach((text, n) => {
        if (text !== '') appendFileSync(files[n] as string, text)
      })
    },
    close() {},
  }
}
