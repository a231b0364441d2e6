/** Watermarks, idleness and ends of an operator with two inputs, told and passed on in order. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Operator } from './operator.ts'
import { OperatorInputs } from './operator-inputs.ts'
import { OperatorMetrics } from './operator-metrics.ts'

function setUp(inputCount: number, more: Partial<Operator> = {}) {
  const log: string[] = []
  const state = { blocked: false }
  const operator: Operator = {
    open: () => {},
    processBatch: () => {},
    processWatermark: (timestampMs) => void log.push(`told ${timestampMs}`),
    inputWatermark: (input, timestampMs) => void log.push(`input ${input} at ${timestampMs}`),
    processIdle: (idle) => void log.push(`told idle ${idle}`),
    endInput: (input) => void log.push(`end ${input}`),
    isBlocked: () => state.blocked,
    snapshot: () => ({}),
    close: () => {},
    ...more,
  }
  const output = {
    emitBatch: () => {},
    emitWatermark: (timestampMs: number) => void log.push(`out ${timestampMs}`),
    emitWatermarkStatus: (idle: boolean) => void log.push(`out idle ${idle}`),
    isAvailable: () => true,
  }
  const metrics = new OperatorMetrics()
  return { log, state, metrics, inputs: new OperatorInputs(operator, inputCount, output, metrics) }
}

it('tells the smaller of two watermarks, and each input its own', () => {
  const { inputs, log, metrics } = setUp(2)
  inputs.watermark(0, 100)
  inputs.watermark(1, 40)
  inputs.watermark(1, 30)
  inputs.watermark(1, 200)
  assert.deepEqual(log, [
    'input 0 at 100',
    'input 1 at 40',
    'told 40',
    'out 40',
    'input 1 at 200',
    'told 100',
    'out 100',
  ])
  assert.equal(metrics.currentInputWatermark, 100)
  assert.deepEqual(Object.fromEntries(metrics.gauges), {
    currentInput1Watermark: 100,
    currentInput2Watermark: 200,
  })
})

it('passes a watermark on once the operator is no longer blocked, and holds what came meanwhile', () => {
  const { inputs, log, state } = setUp(1, {
    processWatermark: (timestampMs) => {
      log.push(`told ${timestampMs}`)
      state.blocked = timestampMs === 10
    },
  })
  inputs.watermark(0, 10)
  inputs.watermark(0, 20)
  inputs.idle(0, true)
  inputs.end(0)
  assert.deepEqual(log.splice(0), ['input 0 at 10', 'told 10'])
  assert.equal(inputs.isSettled, false)
  state.blocked = false
  inputs.settle()
  assert.deepEqual(log, ['out 10', 'input 0 at Infinity', 'told Infinity', 'out Infinity', 'end 0'])
  assert.equal(inputs.isSettled, true)
})

it('tells a blocked operator nothing of a single input either, though the watermark over all stays', () => {
  // Cause: inputWatermark was called at once, in the middle of what the operator had not finished.
  const { inputs, log, state } = setUp(2)
  state.blocked = true
  inputs.watermark(0, 100)
  inputs.watermark(0, 200)
  assert.deepEqual([log, inputs.isSettled], [[], false])
  state.blocked = false
  inputs.settle()
  assert.deepEqual([log, inputs.isSettled], [['input 0 at 200'], true])
})

it('falls silent when all inputs that have not ended are silent, and wakes before the next watermark', () => {
  const { inputs, log } = setUp(2, { inputWatermark: () => {} })
  inputs.watermark(0, 50)
  inputs.idle(1, true)
  inputs.idle(0, true)
  inputs.watermark(0, 60)
  inputs.idle(0, false)
  assert.deepEqual(log.splice(0), [
    'told 50',
    'out 50',
    'told idle true',
    'out idle true',
    'told 60',
    'out 60',
    'told idle false',
    'out idle false',
  ])
  inputs.end(0)
  assert.deepEqual(log.splice(0), ['told idle true', 'out idle true', 'end 0'])
  inputs.end(1)
  assert.deepEqual(log, [
    'told idle false',
    'out idle false',
    'told Infinity',
    'out Infinity',
    'end 1',
  ])
})

it('leaves all but the end of time to an operator that makes watermarks itself', () => {
  const { inputs, log } = setUp(1, { makesWatermarks: true, inputWatermark: () => {} })
  inputs.watermark(0, 50)
  inputs.idle(0, true)
  assert.deepEqual(log.splice(0), ['told 50', 'told idle true'])
  inputs.end(0)
  assert.deepEqual(log, [
    'told idle false',
    'told Infinity',
    'out idle false',
    'out Infinity',
    'end 0',
  ])
})
