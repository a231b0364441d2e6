/** Log lines in both formats, levels and masking. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { platformError } from '../error-codes.ts'
import { createNodeLogger, type NodeLoggerOptions } from './node-logger.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-logger-'))
after(() => rmSync(root, { recursive: true, force: true }))
let files = 0

function logTo(options: NodeLoggerOptions) {
  const file = join(root, `${++files}.log`)
  const lines = (): string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return { logger: createNodeLogger({ ...options, file }), lines }
}

test('JSON lines carry time, level, message and all fields', () => {
  const { logger, lines } = logTo({ format: 'json', fields: { process: 'taskmanager' } })
  logger.with({ slot: 1 }).warn('Slot lost.', { reason: 'x\ny', count: 3n })
  const { time, ...rest } = JSON.parse(lines()[0])
  assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000)
  assert.deepEqual(rest, {
    level: 'warn',
    message: 'Slot lost.',
    process: 'taskmanager',
    slot: 1,
    reason: 'x\ny',
    count: '3',
  })
  assert.equal(lines().length, 1)
})

test('a field named as a part of the line does not take its place', () => {
  const { logger, lines } = logTo({ format: 'json', fields: { level: 'of water' } })
  logger.error('Pump failed.', { message: 'from the pump', time: 'noon' })
  const { time, ...rest } = JSON.parse(lines()[0])
  assert.ok(Date.parse(time) > 0)
  assert.deepEqual(rest, {
    level: 'error',
    message: 'Pump failed.',
    'field.level': 'of water',
    'field.message': 'from the pump',
    'field.time': 'noon',
  })
})

test('lines below the level are left out', () => {
  const { logger, lines } = logTo({ level: 'warn' })
  logger.debug('a')
  logger.info('b')
  logger.warn('c')
  logger.error('d')
  assert.deepEqual(
    lines().map((line) => line.at(-1)),
    ['c', 'd'],
  )
  const off = logTo({ level: 'off' })
  off.logger.error('e')
  assert.deepEqual(off.lines(), [])
})

test('secrets are masked at any depth, whatever their form', () => {
  for (const format of ['json', 'text'] as const) {
    const { logger, lines } = logTo({ format })
    logger.info('Options.', {
      'properties.sasl.jaas.config': 'pa55',
      nested: [{ sslKeystorePassword: 'pa55', 'auth-token': { inner: 'pa55' } }],
      user: 'ada',
    })
    assert.doesNotMatch(lines()[0], /pa55/)
    assert.match(lines()[0], /ada/)
  }
})

test('an error is logged with code, message, hint and causes', () => {
  const { logger, lines } = logTo({})
  const cause = platformError('RPC_DEADLINE', 'No answer.')
  const error = platformError('RPC_UNAVAILABLE', 'Cannot call.', { hint: 'Look there.', cause })
  logger.error('Lost the leader.', { error, job: 'a b' })
  const all = lines().join('\n')
  assert.match(all, /ERROR Lost the leader\. job="a b"/)
  assert.match(all, /RPC_UNAVAILABLE: Cannot call\./)
  assert.match(all, /hint: Look there\./)
  assert.match(all, /RPC_DEADLINE: No answer\./)
})

test('a cyclic field does not hurt', () => {
  const { logger, lines } = logTo({ format: 'json' })
  const cyclic: Record<string, unknown> = {}
  cyclic.self = cyclic
  logger.info('Cycle.', { cyclic, bytes: new Uint8Array(5) })
  assert.match(lines()[0], /<5 bytes>/)
})
