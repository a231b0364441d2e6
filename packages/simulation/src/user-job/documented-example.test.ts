/**
 * docs/testing-your-job.md: its example is run as a user would, by `node --test` in a
 * project of its own.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { USER_FAULT_FAMILIES } from './draw-cluster.ts'

const PAGE = readFileSync(new URL('../../../../docs/testing-your-job.md', import.meta.url), 'utf8')

test('the documented example passes with plain Node in a project of its own', () => {
  const [, example] = /```ts\n([\s\S]*?)```/.exec(PAGE) as unknown as [string, string]
  const project = mkdtempSync(join(tmpdir(), 'millrace-example-'))
  try {
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(project, 'readings.test.ts'), example)
    mkdirSync(join(project, 'node_modules', '@millrace'), { recursive: true })
    symlinkSync(
      fileURLToPath(new URL('../..', import.meta.url)),
      join(project, 'node_modules', '@millrace', 'simulation'),
    )
    const { NODE_TEST_CONTEXT: _ours, ...env } = process.env
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--test', '--test-reporter=tap', 'readings.test.ts'],
      { cwd: project, encoding: 'utf8', env },
    )
    assert.equal(status, 0, `${stdout}\n${stderr}`)
    assert.match(stdout, /# pass 1\n/)
  } finally {
    rmSync(project, { recursive: true })
  }
})

test('the page names every family of faults', () => {
  for (const family of USER_FAULT_FAMILIES) assert.ok(PAGE.includes(`\`${family}\``), family)
})
