/** Where a source begins, against a log that retention has been at. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EARLIEST_TIMESTAMP, type KafkaClient } from '../client/kafka-client.ts'
import type { KafkaSettings } from '../client/kafka-properties.ts'
import type { OffsetMode } from '../kafka-table.ts'
import { resetOf, resolveOffsets } from './resolve-offsets.ts'

const PARTITIONS = [{ topic: 't', partition: 0 }]
const settingsOf = (autoOffsetReset: KafkaSettings['autoOffsetReset']) =>
  ({ groupId: 'g', isolation: 'read_uncommitted', autoOffsetReset }) as KafkaSettings

/** One partition that holds 100 to 200, of which the group has committed `committed`. */
function start(
  mode: OffsetMode,
  committed: number,
  reset: KafkaSettings['autoOffsetReset'],
): Promise<number[]> {
  const client = {
    listOffsets: async (requests: readonly { timestampMs: number }[]) =>
      requests.map(({ timestampMs }) => (timestampMs === EARLIEST_TIMESTAMP ? 100 : 200)),
    fetchCommittedOffsets: async () => [committed],
  } as unknown as KafkaClient
  return resolveOffsets(client, settingsOf(reset), mode, PARTITIONS, 'start')
}

test('a committed offset that retention has taken is reset as the table says, and by name without', async () => {
  const mode = { mode: 'group-offsets' } as const
  assert.deepEqual(await start(mode, 150, 'earliest'), [150])
  assert.deepEqual(await start(mode, 100, null), [100])
  assert.deepEqual(await start(mode, 200, null), [200])
  assert.deepEqual(await start(mode, 40, 'earliest'), [100])
  assert.deepEqual(await start(mode, 40, 'latest'), [200])
  // The topic was made anew since.
  assert.deepEqual(await start(mode, 900, 'earliest'), [100])
  assert.deepEqual(await start(mode, -1, 'latest'), [200])
  await assert.rejects(start(mode, 40, null), {
    code: 'KAFKA_OFFSET_OUT_OF_RANGE',
    location: { topic: 't', partition: 0, offset: '40' },
  })
  await assert.rejects(start(mode, -1, null), { code: 'KAFKA_NO_COMMITTED_OFFSET' })
})

test('a specific offset below the first record that is left begins there', async () => {
  const at = (offset: number): OffsetMode => ({ mode: 'specific-offsets', offsets: { 0: offset } })
  assert.deepEqual(await start(at(40), -1, null), [100])
  assert.deepEqual(await start(at(150), -1, null), [150])
})

test('a split that was never read begins anew by its mode, a group’s by what the table says', () => {
  assert.equal(resetOf({ mode: 'earliest-offset' }, settingsOf(null)), 'earliest')
  assert.equal(resetOf({ mode: 'latest-offset' }, settingsOf('earliest')), 'latest')
  assert.equal(resetOf({ mode: 'timestamp', timestampMs: 1 }, settingsOf(null)), 'earliest')
  assert.equal(resetOf({ mode: 'group-offsets' }, settingsOf(null)), null)
  assert.equal(resetOf({ mode: 'group-offsets' }, settingsOf('latest')), 'latest')
})
