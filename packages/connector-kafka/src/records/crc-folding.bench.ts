/**
 * GB a CPU second of CRC-32C: with folding in front of the native function, and that alone, in
 * turns.
 *
 *     node packages/connector-kafka/src/records/crc-folding.bench.ts
 */
import { crc32c } from '@node-rs/crc32'
import { allocateResponse, crc32cOf } from './response-memory.ts'

const ROUNDS = 7
const BYTES_A_ROUND = 1e9

function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const used = process.cpuUsage(before)
  return (used.user + used.system) / 1e6
}

const bytes = allocateResponse(1 << 20, 0)
for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31) ^ (i >> 7)
for (const size of [4 << 10, 16 << 10, 64 << 10, 512 << 10]) {
  const times = Math.ceil(BYTES_A_ROUND / size)
  const folded: number[] = []
  const native: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    folded.push(
      cpuSeconds(() => {
        for (let i = 0; i < times; i++) crc32cOf(bytes, 61, 61 + size)
      }),
    )
    native.push(
      cpuSeconds(() => {
        for (let i = 0; i < times; i++) crc32c(bytes.subarray(61, 61 + size))
      }),
    )
  }
  const rate = (seconds: number[]) => ((times * size) / Math.min(...seconds) / 1e9).toFixed(1)
  console.log(`${size / 1024} KB: folded ${rate(folded)} GB/s, native ${rate(native)} GB/s`)
}
