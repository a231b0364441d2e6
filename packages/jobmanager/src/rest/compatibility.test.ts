/**
 * Answers about jobs have status, fields and types of those recorded from the reference
 * (test/compatibility).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  answerDifferences,
  recordedAnswers,
} from '../../../../test/compatibility/shape-differences.ts'
import { CHECKPOINTED, ClusterHarness, JOB_ID, pipeline } from '../testing/cluster-harness.ts'
import { createRestServer } from './rest-server.ts'

/** Where an answer departs, and why; one that departs no more must leave the list. */
const DEPARTS: Readonly<Record<string, readonly string[]>> = {
  // A plan begins with its sources here, with its sinks there.
  'job@running': ['$.plan.nodes[].inputs: missing'],
}

for (const recorded of recordedAnswers('jobs.json')) {
  test(`${recorded.name} is answered as the reference does`, async () => {
    const cluster = new ClusterHarness()
    await cluster.start(2, 1)
    const server = createRestServer(cluster.jobManager)
    const { method, path } = recorded.request
    await server.inject({
      method: 'POST',
      url: '/jobs',
      payload: { jobGraph: pipeline(2, CHECKPOINTED) },
    })
    await cluster.clock.advance(100)
    const url = path.replace(/0{29}a0\d/, JOB_ID)
    const answer = await server.inject({ method, url })
    await server.close()
    const found = answerDifferences(recorded, answer.statusCode, answer.json())
    assert.deepEqual(found, DEPARTS[recorded.name] ?? [], answer.body)
  })
}
