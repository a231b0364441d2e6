/** Nobody sets an option without being told what it does. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { Configuration } from '@millrace/core'
import { edge, pipeline } from '../testing/cluster-harness.ts'
import { aboutForced } from './about-forced.ts'

const FORCED = { 'execution.checkpointing.unaligned.forced': 'true' }
const UNALIGNED = { ...FORCED, 'execution.checkpointing.unaligned.enabled': 'true' }
const forward = { ...pipeline(2), edges: [edge('source', 'sink', 'forward')] }

test('Forced unaligned checkpoints say what stays aligned all the same', () => {
  const about = (options: Record<string, string>, graph = pipeline(2)) =>
    aboutForced(new Configuration(options), graph)
  assert.equal(about({}), null)
  assert.match(about(FORCED) ?? '', /changes nothing: checkpoints are aligned without '.*enabled'/)
  assert.match(
    about(UNALIGNED) ?? '',
    /changes nothing: every task takes its checkpoints unaligned/,
  )
  assert.match(
    about(UNALIGNED, forward) ?? '',
    /what reads a forward or broadcast edge stays aligned: 'sink' \(forward\)\.$/,
  )
})
