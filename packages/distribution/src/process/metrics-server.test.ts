/** Where TaskManagers of one machine serve their metrics. */
import assert from 'node:assert/strict'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Configuration } from '@millrace/core'
import type { Logger } from '@millrace/platform'
import { metricsPorts, serveMetrics } from './metrics-server.ts'

const ports = (text: string) =>
  metricsPorts(new Configuration({ 'metrics.reporter.prom.port': text }))
const warnings: string[] = []
const logger = { warn: (text: string) => warnings.push(text) } as never as Logger

test('one port, a range, none, and what is neither', () => {
  assert.deepEqual(ports('9249'), [9249])
  assert.deepEqual(ports('9249-9251'), [9249, 9250, 9251])
  assert.deepEqual(ports('-1'), [])
  assert.equal(metricsPorts(new Configuration({}))[0], 9249)
  for (const text of ['abc', '9-1', '70000', '']) {
    assert.throws(() => ports(text), { code: 'CONFIG_VALUE_INVALID' }, text)
  }
})

test('a second TaskManager takes the next port; when all are taken a warning says so', async (t) => {
  // Cause: `cluster start -n 2` gave both TaskManagers port 9249, and one of them had no metrics.
  const first = await serveMetrics([0], async () => 'one', logger)
  const { port } = (first as Server).address() as AddressInfo
  const second = await serveMetrics([port, 0], async () => 'two', logger)
  t.after(() => {
    first?.close()
    second?.close()
  })
  const { port: other } = (second as Server).address() as AddressInfo
  assert.equal(await (await fetch(`http://127.0.0.1:${other}/metrics`)).text(), 'two')
  assert.deepEqual(warnings, [])
  assert.equal(await serveMetrics([port], async () => 'three', logger), null)
  assert.match(warnings[0] as string, /^No Prometheus page: .*EADDRINUSE/)
})
