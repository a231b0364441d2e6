/** The line editor as a person's keys reach it. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, test } from 'node:test'
import { nodeLineReader } from './node-terminal.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-terminal-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const UP = '\u001b[A'

test('the arrow keys give back whole statements, of this session and of the one before', async () => {
  const file = join(directory, 'history')
  const open = () => {
    const streams = { input: new PassThrough(), output: new PassThrough(), isTerminal: true }
    const reader = nodeLineReader(file, () => {}, streams)
    const type = (keys: string) => {
      const line = reader.readLine('> ')
      streams.input.write(keys)
      return line
    }
    return { reader, type }
  }
  const first = open()
  assert.equal(await first.type('SELECT a\r'), 'SELECT a')
  assert.equal(await first.type('FROM t;\r'), 'FROM t;')
  first.reader.remember('SELECT a\nFROM t;')
  assert.equal(await first.type(`${UP}\r`), 'SELECT a\nFROM t;')
  assert.equal(await first.type('SHOW JOBS;\r'), 'SHOW JOBS;')
  first.reader.remember('SHOW JOBS;')
  first.reader.close()
  assert.equal(readFileSync(file, 'utf8'), 'SHOW JOBS;\nSELECT a\\nFROM t;')
  const second = open()
  assert.equal(await second.type(`${UP}${UP}\r`), 'SELECT a\nFROM t;')
  second.reader.close()
})
