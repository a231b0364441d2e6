/**
 * CPU a row of a table that is larger than its memory: `node
 * packages/state/src/disk/disk-table.bench.ts [KEYS] [MEGABYTES] [ROWS] [CHECKPOINTS] [GROUPS]`.
 *
 * Batches of random keys are looked up and written, as a GROUP BY does with the rows of another
 * slot; then the same with checkpoints in between, which are frozen, merged and gathered but not
 * written. With GROUPS the keys are values of so many groups, as those of DISTINCT are. Files are
 * real ones, mostly in the page cache. With `perf stat -e instructions:u` two versions compare on a
 * busy machine too.
 */
import { type Column, type FrozenTable, Int64Column } from '@millrace/core'
import { createNodePlatform } from '@millrace/platform/node'
import { GROUPS, VALUES_BY_GROUP } from '../testing/group-table.ts'
import { DiskKeyedState } from './disk-keyed-state.ts'
import type { DiskTable } from './disk-table.ts'
import { StateMemory } from './state-memory.ts'

const [keys = 1_000_000, megabytes = 24, rows = 4_000_000, checkpoints = 0, groups = 0] =
  process.argv.slice(2).map(Number)
const BATCH_ROWS = 2048
const POSITIONS_AT_ONCE = 96 * 1024

const { temporaryFiles } = createNodePlatform()
const waiting: (() => boolean)[] = []
const state = new DiskKeyedState({
  maxParallelism: 128,
  nowMs: () => 0,
  files: temporaryFiles,
  directory: temporaryFiles.defaultDirectory,
  memory: new StateMemory(megabytes * 1024 * 1024),
  background: (step) => waiting.push(step),
  tracksChanges: true,
})
const table = state.table(groups > 0 ? VALUES_BY_GROUP : GROUPS) as DiskTable

/** One step of what was put off, as the mailbox takes one between batches. */
function work(): void {
  const step = waiting.shift()
  if (step?.() === true) waiting.push(step)
}

function drain(frozen: FrozenTable): number {
  let entries = 0
  for (let from = 0; from < frozen.positionCount; from += POSITIONS_AT_ONCE) {
    const to = Math.min(frozen.positionCount, from + POSITIONS_AT_ONCE)
    const keyGroups = new Uint16Array(to - from)
    frozen.keyGroups(from, to, keyGroups)
    const positions = Int32Array.from(keyGroups.keys()).filter((at) => keyGroups[at] !== 0xffff)
    for (let at = 0; at < positions.length; at += BATCH_ROWS) {
      const some = positions.subarray(at, at + BATCH_ROWS).map((position) => from + position)
      entries += frozen.gather(some, some.length).rowCount
    }
    frozen.releaseBefore(to)
  }
  frozen.release()
  return entries
}

let seed = 1
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) | 0
  return (seed >>> 0) / 4_294_967_296
}

const batch = new BigInt64Array(BATCH_ROWS)
const group = new BigInt64Array(BATCH_ROWS)
const columns: Column[] = [new Int64Column(batch, null)]
if (groups > 0) columns.unshift(new Int64Column(group, null))
const slots = new Int32Array(BATCH_ROWS)
const start = process.cpuUsage()
let entries = 0
let id = 0
for (let row = 0; row < rows; row += BATCH_ROWS) {
  for (let i = 0; i < BATCH_ROWS; i++) {
    const key = Math.floor(random() * keys)
    batch[i] = BigInt(key)
    if (groups > 0) group[i] = BigInt(key % groups)
  }
  table.resolve(columns, BATCH_ROWS, slots)
  table.beforeWrite(slots, BATCH_ROWS)
  const { words, stride } = table.memory
  const word = table.valueWords[0] as number
  for (let i = 0; i < BATCH_ROWS; i++) {
    const at = (slots[i] as number) * stride + word
    words[at] = (words[at] as number) + 1
  }
  work()
  if (checkpoints > 0 && row > ((id + 1) * rows) / (checkpoints + 1)) {
    id++
    for (const frozen of state.freeze(id, id === 1 ? null : id - 1)) entries += drain(frozen)
  }
}
const { user, system } = process.cpuUsage(start)
console.log(
  `${keys} keys${groups > 0 ? ` of ${groups} groups` : ''}, ${megabytes} MB, ${checkpoints} checkpoints: ` +
    `${((user + system) / rows).toFixed(2)} µs of CPU a row (${(system / rows).toFixed(2)} of it the system's), ` +
    `${(table.diskBytes / 1e6).toFixed(0)} MB on disk, ${entries} entries in checkpoints`,
)
state.close()
