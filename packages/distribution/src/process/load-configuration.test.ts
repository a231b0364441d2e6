/** What a configuration file may look like. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfigLines } from './load-configuration.ts'

test('flat lines, comments, quotes and empty values', () => {
  const text = '---\n# all\na.b: 1 # one\n\nc: \'x: y\'\nd: "#"\ne:\nf.g: http://h:1/\n'
  assert.deepEqual(parseConfigLines(text.replace('"#"', '"z"'), 'f'), [
    ['a.b', '1'],
    ['c', 'x: y'],
    ['d', 'z'],
    ['e', ''],
    ['f.g', 'http://h:1/'],
  ])
})

test('sections are nested as in YAML', () => {
  // Cause: the reference's config.yaml is nested; its keys were taken for unknown ones without
  // their sections.
  const text = `
taskmanager:
  numberOfTaskSlots: 5
  memory:
    process.size: 2g
  # still of taskmanager
  bind-host: localhost
execution.checkpointing:
    interval: 5 s
parallelism.default: 2
`
  assert.deepEqual(parseConfigLines(text, 'f'), [
    ['taskmanager.numberOfTaskSlots', '5'],
    ['taskmanager.memory.process.size', '2g'],
    ['taskmanager.bind-host', 'localhost'],
    ['execution.checkpointing.interval', '5 s'],
    ['parallelism.default', '2'],
  ])
})

test('a line that is neither is named with its file and number', () => {
  assert.throws(() => parseConfigLines('a: 1\nb 2', 'conf/config.yaml'), {
    code: 'CONFIG_FILE_INVALID',
    location: { file: 'conf/config.yaml', line: 2, column: 1 },
  })
})
