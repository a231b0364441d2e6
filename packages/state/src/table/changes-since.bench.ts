/**
 * An incremental checkpoint of a large table: how long its freeze takes, how many bytes are
 * written, and how long a restore of whole and change takes. BIGINT keys with COUNT and SUM; files
 * are in the directory for temporary ones.
 *
 *     node packages/state/src/table/changes-since.bench.ts [KEYS] [PERCENT_CHANGED]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Column, Int64Column, type StatePart } from '@millrace/core'
import { createNodePlatform } from '@millrace/platform/node'
import { openRestoredState } from '../restore/open-restored-state.ts'
import { writeOperatorSnapshot } from '../segment/write-operator-snapshot.ts'
import { GROUPS } from '../testing/group-table.ts'
import { ResidentKeyedState } from './resident-keyed-state.ts'

const ROWS = 2048
const [keyCount = 5_000_000, percent = 1] = process.argv.slice(2).map(Number)
const FREEZES = 9
const { filesystem, clock } = createNodePlatform()
const directory = mkdtempSync(join(tmpdir(), 'millrace-changes-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
const keyGroupRange = { start: 0, end: 63 }
const open = () => {
  const state = new ResidentKeyedState({
    maxParallelism: 64,
    nowMs: () => 0,
    tracksChanges: true,
  })
  return { state, table: state.table(GROUPS) }
}

const { state, table } = open()
const keys = new BigInt64Array(ROWS)
const columns: Column[] = [new Int64Column(keys, null)]
const slots = new Int32Array(ROWS)

function touch(keyOf: (i: number) => number): void {
  for (let i = 0; i < ROWS; i++) keys[i] = BigInt(keyOf(i))
  table.resolve(columns, ROWS, slots)
  table.beforeWrite(slots, ROWS)
}

async function take(checkpointId: number, since: number | null): Promise<readonly StatePart[]> {
  const from = performance.now()
  const keyed = state.freeze(checkpointId, since)
  const frozenAt = performance.now()
  const { parts } = await writeOperatorSnapshot(
    { keyed },
    {
      ...{ directory, checkpointId, operatorId: 'op', subtaskIndex: 0, attempt: 0 },
      ...{ isShared: true, keyGroupRange, memoryThreshold: 0, filesystem, clock },
    },
  )
  const bytes = parts.reduce((sum, { handle }) => sum + handle.size, 0)
  console.log(
    `checkpoint ${checkpointId}: frozen in ${(frozenAt - from).toFixed(2)} ms, ` +
      `${(bytes / 1e6).toFixed(2)} MB written in ${(performance.now() - frozenAt).toFixed(0)} ms`,
  )
  return parts
}

for (let n = 0; n < keyCount / ROWS; n++) touch((i) => n * ROWS + i)
console.log(`${table.size} keys, ${(table.memoryBytes / 1e6).toFixed(0)} MB of memory`)
const whole = await take(1, null)
const changes = Math.ceil((keyCount * percent) / 100 / ROWS)
for (let n = 0; n < changes; n++) touch(() => Math.floor(Math.random() * keyCount))
const changed = await take(2, 1)
const share = changed[0]!.handle.size / whole[0]!.handle.size
console.log(`${percent} % of the keys changed: ${(share * 100).toFixed(2)} % of the bytes`)
const copy = open()
const from = performance.now()
await copy.state.restore(
  await openRestoredState({
    handles: { parts: [...whole, ...changed] },
    checkpointId: 2,
    keyGroupRange,
    filesystem,
  }),
)
console.log(`${copy.table.size} keys restored in ${(performance.now() - from).toFixed(0)} ms`)
const pauses: number[] = []
for (let n = 0; n < FREEZES; n++) {
  touch(() => Math.floor(Math.random() * keyCount))
  const start = performance.now()
  const frozen = state.freeze(3 + n, 2 + n)
  pauses.push(performance.now() - start)
  for (const each of frozen) each.release()
}
const [shortest, median, longest] = [0, FREEZES >> 1, FREEZES - 1].map((at) =>
  pauses.toSorted((a, b) => a - b)[at]!.toFixed(2),
)
console.log(`${FREEZES} more freezes: ${shortest} to ${longest} ms, median ${median}`)
