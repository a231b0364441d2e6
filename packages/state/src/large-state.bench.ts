/**
 * A gigabyte of keyed state: how long a barrier keeps the subtask from its rows, and how fast the
 * state is restored.
 *
 *     node packages/state/src/large-state.bench.ts [hashmap|rocksdb] [MB] [BARRIERS] [MANAGED_MB]
 *
 * BIGINT keys with COUNT and SUM; increments, each written to a real directory while batches of
 * random keys are looked up and written to in between, as the mailbox takes turns. A pause is the
 * freeze and all that writing to records of the first batch behind it took: copies for the
 * checkpoint are made there. `turn`: the longest that the writer kept to itself. Both in wall time:
 * others on the machine count. The restore is compared with reading the same files, both out of the
 * page cache where they are there.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Column, Int64Column, type StatePart, type StateTable } from '@millrace/core'
import { createNodePlatform } from '@millrace/platform/node'
import { DiskKeyedState } from './disk/disk-keyed-state.ts'
import { StateMemory } from './disk/state-memory.ts'
import type { BackendState } from './open-keyed-state.ts'
import { openRestoredState } from './restore/open-restored-state.ts'
import { writeOperatorSnapshot } from './segment/write-operator-snapshot.ts'
import { ResidentKeyedState } from './table/resident-keyed-state.ts'
import { GROUPS } from './testing/group-table.ts'

const [backend = 'rocksdb', ...figures] = process.argv.slice(2)
const [megabytes = 1000, barriers = 40, managed = 128] = figures.map(Number)
const ROWS = 2048
/** So many steps of the writer have one batch between them, so that increments stay small. */
const STEPS_A_BATCH = 8
/** Batches between a completed checkpoint and the next barrier. */
const BATCHES_BETWEEN = 20
const { filesystem, clock, temporaryFiles } = createNodePlatform()
const directory = mkdtempSync(join(tmpdir(), 'millrace-large-state-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
const keyGroupRange = { start: 0, end: 127 }
const waiting: (() => boolean)[] = []

function open(): { state: BackendState; table: StateTable } {
  const common = { maxParallelism: 128, nowMs: () => 0, tracksChanges: true }
  const state =
    backend === 'hashmap'
      ? new ResidentKeyedState(common)
      : new DiskKeyedState({
          ...common,
          files: temporaryFiles,
          directory,
          memory: new StateMemory(managed * 1024 * 1024),
          background: (step) => waiting.push(step),
        })
  return { state, table: state.table(GROUPS) }
}

const { state, table } = open()
const keyCount = Math.floor((megabytes * 1e6) / (table.memory.stride * 8))
const keys = new BigInt64Array(ROWS)
const columns: Column[] = [new Int64Column(keys, null)]
const slots = new Int32Array(ROWS)

/** Gives how long writing to the records took, ms. */
function batch(keyOf: (i: number) => number): number {
  for (let i = 0; i < ROWS; i++) keys[i] = BigInt(keyOf(i))
  table.resolve(columns, ROWS, slots)
  const from = performance.now()
  table.beforeWrite(slots, ROWS)
  const { words, stride } = table.memory
  const word = table.valueWords[0] as number
  for (let i = 0; i < ROWS; i++) {
    const at = (slots[i] as number) * stride + word
    words[at] = (words[at] as number) + 1
  }
  const took = performance.now() - from
  const step = waiting.shift()
  if (step?.() === true) waiting.push(step)
  return took
}

let seed = 1
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) | 0
  return Math.floor(((seed >>> 0) / 4_294_967_296) * keyCount)
}

let turnMs = 0
let turnFrom = 0
let firstWriteMs = -1
let steps = 0
/** The mailbox: rows between two steps of the writer. */
const turns = {
  ...clock,
  setImmediate: (action: () => void) => {
    turnMs = Math.max(turnMs, performance.now() - turnFrom)
    setImmediate(() => {
      if (firstWriteMs < 0 || steps++ % STEPS_A_BATCH === 0) {
        const wrote = batch(random)
        if (firstWriteMs < 0) firstWriteMs = wrote
      }
      turnFrom = performance.now()
      action()
    })
  },
}

async function barrier(id: number): Promise<{ pauseMs: number; parts: readonly StatePart[] }> {
  const from = performance.now()
  const keyed = state.freeze(id, id === 1 ? null : id - 1)
  const freezeMs = performance.now() - from
  firstWriteMs = -1
  turnFrom = performance.now()
  const { parts } = await writeOperatorSnapshot(
    { keyed },
    {
      ...{ directory, checkpointId: id, operatorId: 'op', subtaskIndex: 0, attempt: 0 },
      ...{ isShared: true, keyGroupRange, memoryThreshold: 0, filesystem, clock: turns },
    },
  )
  return { pauseMs: freezeMs + Math.max(0, firstWriteMs), parts }
}

const parts: StatePart[] = []
for (let key = 0; key < keyCount; key += ROWS) batch((i) => key + i)
parts.push(...(await barrier(1)).parts)
const wholeTurnMs = turnMs
turnMs = 0
const pauses: number[] = []
for (let id = 2; id <= barriers + 1; id++) {
  for (let n = 0; n < BATCHES_BETWEEN; n++) batch(random)
  const taken = await barrier(id)
  parts.push(...taken.parts)
  pauses.push(taken.pauseMs)
}
pauses.sort((a, b) => a - b)
const at = (share: number) =>
  (pauses[Math.min(pauses.length - 1, Math.floor(share * pauses.length))] as number).toFixed(2)
console.log(
  `${backend}, ${keyCount} keys in ${megabytes} MB of records: ` +
    `pause at ${pauses.length} barriers p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms; ` +
    `turn of the writer at most ${turnMs.toFixed(1)} ms, ${wholeTurnMs.toFixed(1)} ms when all is written`,
)
state.close()
waiting.length = 0

const bytes = parts.reduce((sum, { handle }) => sum + handle.size, 0)
const speed = (ms: number) => `${(bytes / 1e3 / ms).toFixed(0)} MB/s`
const plainFrom = performance.now()
for (const { handle } of parts) if (handle.kind === 'file') readFileSync(handle.path)
const plainMs = performance.now() - plainFrom
const restored = open()
const from = performance.now()
await restored.state.restore(
  await openRestoredState({
    handles: { parts },
    checkpointId: barriers + 1,
    keyGroupRange,
    filesystem,
  }),
)
while (waiting.length > 0) if (waiting[0]?.() !== true) waiting.shift()
const restoreMs = performance.now() - from
console.log(
  `restored ${(bytes / 1e6).toFixed(0)} MB in ${(restoreMs / 1000).toFixed(1)} s: ${speed(restoreMs)}, ` +
    `${((restoreMs / keyCount) * 1e6).toFixed(0)} ns a key; reading the files ${speed(plainMs)}`,
)
restored.state.close()
