/** Upon which checkpoint the next one may build. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CheckpointManifest } from '@millrace/state'
import { type BaseFacts, decideBase } from './decide-base.ts'

const DIRECTORY = '/c/job'

function facts(change: {
  readonly path?: string
  readonly parallelism?: number
  readonly keyed?: boolean
  readonly place?: string
  readonly directory?: string | null
  readonly savepoint?: true
}): BaseFacts {
  const { path = `${DIRECTORY}/shared/4-a.state`, parallelism = 2, keyed = true } = change
  const handle = { kind: 'file', path, size: 1, crc32: 1 } as const
  const keyGroups = keyed ? { start: 0, end: 1 } : null
  const latest: CheckpointManifest = {
    ...{ jobId: 'job', checkpointId: 4, timestampMs: 1, leaderEpoch: 1, coordinators: {} },
    operators: [
      {
        ...{ operatorId: 'op', operatorName: 'op', vertexId: 'v' },
        ...{ parallelism: 2, maxParallelism: 2 },
        subtasks: [{ parts: [{ handle, keyGroups, lists: {}, unions: [] }] }, null],
      },
    ],
    ...(change.savepoint ? { savepoint: { format: 'canonical' } } : {}),
  }
  const vertices = new Map([['v', { vertex: { parallelism } }]])
  return {
    latest,
    latestPath: change.place ?? `${DIRECTORY}/chk-4`,
    directory: change.directory === undefined ? DIRECTORY : change.directory,
    graph: { vertices } as unknown as BaseFacts['graph'],
  }
}

test('the latest checkpoint of the job is built upon, whatever it has that is not by key', () => {
  assert.equal(decideBase(facts({}))?.checkpointId, 4)
  const own = facts({ path: `${DIRECTORY}/chk-4/a.state`, keyed: false })
  assert.equal(decideBase(own)?.checkpointId, 4)
})

test('nothing is built upon what is another’s, elsewhere, or dealt out anew', () => {
  assert.equal(decideBase({ ...facts({}), latest: null }), null)
  for (const change of [
    { directory: null },
    { place: '/c/other/chk-4' },
    { savepoint: true as const },
    { parallelism: 3 },
    { path: '/c/other/shared/4-a.state' },
    { path: `${DIRECTORY}/chk-4/a.state` },
  ]) {
    assert.equal(decideBase(facts(change)), null, JSON.stringify(change))
  }
})
