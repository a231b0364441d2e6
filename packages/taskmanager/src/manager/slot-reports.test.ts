/** What of a slot's messages the JobManager hears, and when. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorData, toErrorData } from '@millrace/core'
import type { Logger } from '@millrace/platform'
import type { JobManagerGateway, TaskDeployment } from '@millrace/protocol'
import type { ToSlot } from '../slot/slot-messages.ts'
import { type ReportingLink, SlotReports, type TaskReport } from './slot-reports.ts'
import type { TaskSlot } from './task-slot.ts'

const lost: ErrorData = {
  ...toErrorData(new Error('The peer is gone.')),
  code: 'NETWORK_CONNECTION_LOST',
}

/** A slot that was asked for under epoch 4, while `epoch` leads; what is reported and answered. */
function slotUnder(epoch: number, refusal?: Error) {
  const reported: string[] = []
  const answers: ToSlot[] = []
  const gateway = {
    updateTaskState: async ({ attemptId, state, error }) => {
      reported.push(`${attemptId} ${state}${error === undefined ? '' : ` ${error.code}`}`)
    },
    acknowledgeCheckpoint: async ({ attemptId, checkpointId }) => {
      reported.push(`${attemptId} acknowledges ${checkpointId}`)
    },
    declineCheckpoint: async ({ attemptId, checkpointId }) => {
      reported.push(`${attemptId} declines ${checkpointId}`)
    },
    operatorEvent: async ({ event }) => {
      if (refusal !== undefined) throw refusal
      return { answer: event }
    },
  } as Partial<JobManagerGateway> as JobManagerGateway
  const fence = { leaderEpoch: epoch, senderId: 'tm' }
  const link: ReportingLink = {
    epoch,
    gateway,
    fence,
    report: (_attemptId, call) => void call(gateway, fence),
  }
  const logger = { warn: () => {} } as Partial<Logger> as Logger
  const ended: string[] = []
  const reports = new SlotReports(link, logger, () => ended.push('ended'))
  const slot = {
    settings: { epoch: 4 },
    attempts: new Map([
      ['a', {} as TaskDeployment],
      ['b', {} as TaskDeployment],
    ]),
    post: (message: ToSlot) => answers.push(message),
  } as unknown as TaskSlot
  const say = (message: object) => reports.received(slot, message as TaskReport)
  return { reports, slot, say, reported, answers, ended }
}

const EVENT = { kind: 'operator-event', requestId: 1, attemptId: 'a', operatorId: 'o', event: 7 }

test('every report goes out at once and as it is, a broken connection too', () => {
  const { say, reported, ended } = slotUnder(4)
  say({ kind: 'state', attemptId: 'a', state: 'RUNNING', ended: true })
  say({ kind: 'acknowledge', attemptId: 'a', checkpointId: 1, state: {}, metrics: {} })
  say({ kind: 'decline', attemptId: 'b', checkpointId: 1, error: lost })
  say({ kind: 'state', attemptId: 'b', state: 'FAILED', ended: false, error: lost })
  assert.deepEqual(reported, [
    'a RUNNING',
    'a acknowledges 1',
    'b declines 1',
    'b FAILED NETWORK_CONNECTION_LOST',
  ])
  assert.deepEqual(ended, ['ended'])
})

test('what still ran in a slot that ended gets one last word', () => {
  const { reports, slot, reported } = slotUnder(4)
  reports.slotEnded(slot, 'FAILED', { ...lost, code: 'SLOT_OUT_OF_MEMORY' })
  reports.slotEnded(slot, 'CANCELED')
  assert.deepEqual(reported, ['a FAILED SLOT_OUT_OF_MEMORY', 'b FAILED SLOT_OUT_OF_MEMORY'])
})

test('of work under an earlier leader nothing is said', () => {
  const { reports, slot, say, reported } = slotUnder(5)
  say({ kind: 'state', attemptId: 'a', state: 'RUNNING', ended: false })
  reports.slotEnded(slot, 'CANCELED')
  assert.deepEqual(reported, [])
  assert.equal(slot.attempts.size, 0)
})

test('a question to a coordinator is answered, by its refusal too', async () => {
  const asked = slotUnder(4)
  asked.say(EVENT)
  const refused = slotUnder(4, new Error('no'))
  refused.say(EVENT)
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(asked.answers, [{ kind: 'answer', requestId: 1, answer: 7 }])
  const [answer] = refused.answers
  assert.equal(answer?.kind === 'answer' && answer.error?.message, 'no')
})
