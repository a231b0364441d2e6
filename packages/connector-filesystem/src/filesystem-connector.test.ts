/** The filesystem connector on a real directory: contract suites, byte ranges, growth, planning. */
import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { jsonFormat, type SourceSplit } from '@millrace/connector'
import {
  ContextRecord,
  enumeratorContext,
  readerContext,
  rowsOfBatch,
  testSinkWriterContract,
  testSourceReaderContract,
  writerContext,
} from '@millrace/connector/contract'
import { ColumnBatchBuilder, isMillraceError, type Schema } from '@millrace/core'
import { createNodePlatform } from '@millrace/platform/node'
import { type FileSinkConfig, type FileSourceConfig, filesystemConnector } from './index.ts'

const platform = createNodePlatform()
/** Real files on a loaded machine take their time. */
const FILES_TIMEOUT_MS = 30_000
const schema: Schema = {
  fields: [
    { name: 'n', type: { kind: 'INT', nullable: true } },
    { name: 's', type: { kind: 'STRING', nullable: true } },
  ],
}
const formats = new Map([['json', jsonFormat]])
const source = filesystemConnector.source as NonNullable<typeof filesystemConnector.source>
const sink = filesystemConnector.sink as NonNullable<typeof filesystemConnector.sink>

const newDirectory = () => mkdtemp(join(tmpdir(), 'millrace-filesystem-'))
const line = (n: number, s: string) => `${JSON.stringify({ n, s })}\n`

function describe(path: string, options: Record<string, string> = {}) {
  const all = { path, format: 'json', ...options }
  return { tableName: 't', schema, options: all, formats }
}

async function listSplits(
  config: FileSourceConfig,
  parallelism = 1,
): Promise<{ splits: SourceSplit[][]; noMore: number[] }> {
  const splits: SourceSplit[][] = Array.from({ length: parallelism }, () => [])
  const noMore: number[] = []
  const context = enumeratorContext(
    { platform, schema, parallelism },
    (subtask, assigned) => splits[subtask]?.push(...assigned),
    (subtask) => noMore.push(subtask),
  )
  const enumerator = source.createEnumerator(config, context)
  await enumerator.start(null)
  await enumerator.close()
  return { splits, noMore }
}

testSourceReaderContract('a reader of files', async () => {
  const directory = await newDirectory()
  const expected = new Map<string, unknown[][]>()
  const long = 'x'.repeat(1_300_000)
  const files: Record<string, [number, string][]> = {
    a: Array.from({ length: 5000 }, (_, i) => [i, `value ${i % 7}`]),
    b: [
      [1, 'first'],
      [2, long],
      [3, 'last'],
    ],
    c: Array.from({ length: 3000 }, (_, i) => [i, `unique-${i}-${'y'.repeat(i % 300)}`]),
    empty: [],
  }
  for (const [name, rows] of Object.entries(files)) {
    const path = join(directory, name)
    const text = rows.map(([n, s]) => line(n, s)).join(name === 'b' ? '\n' : '')
    // The last line of one file has no newline.
    await writeFile(path, name === 'c' ? text.trimEnd() : text)
    expected.set(path, rows)
  }
  await writeFile(join(directory, '.hidden'), 'not JSON')
  const config = source.plan(describe(directory)).config as FileSourceConfig
  const { splits, noMore } = await listSplits(config)
  assert.deepEqual(noMore, [0])
  return {
    splits: splits[0] ?? [],
    expected,
    createReader: (record) =>
      source.createReader(config, readerContext({ platform, schema }, record)),
    dispose: () => rm(directory, { recursive: true }),
  }
})

testSinkWriterContract('a writer of part files', async () => {
  const directory = await newDirectory()
  const config = sink.plan(describe(directory, { 'sink.rolling-policy.file-size': '20b' }))
    .config as FileSinkConfig
  return {
    createWriter: (record, checkpointingEnabled, attempt = 0) =>
      sink.createWriter(
        config,
        writerContext({ platform, schema, checkpointingEnabled, attempt }, record),
      ),
    batch: (texts) => {
      const builder = new ColumnBatchBuilder(schema)
      for (const text of texts) builder.appendRow([1, text])
      return builder.build()
    },
    readVisible: async () => {
      const names = (await readdir(directory)).filter((name) => !name.startsWith('.'))
      const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')))
      const lines = texts.flatMap((text) => text.trimEnd().split('\n'))
      return lines.filter((text) => text !== '').map((text) => JSON.parse(text).s as string)
    },
    leftovers: async () => (await readdir(directory)).filter((name) => name.startsWith('.')),
    dispose: () => rm(directory, { recursive: true }),
  }
})

test('byte ranges of one file give each line once, wherever the borders fall', async () => {
  const directory = await newDirectory()
  const path = join(directory, 'f')
  const text = Array.from({ length: 40 }, (_, i) => line(i, 'z'.repeat(i % 9))).join('')
  await writeFile(path, text)
  const config = source.plan(describe(directory)).config
  for (let border = 1; border < text.length; border += 7) {
    const rows: unknown[][] = []
    const ranges = [
      { path, offset: 0, aligned: true, end: border },
      { path, offset: border - 1, aligned: false, end: text.length },
    ]
    const record = new ContextRecord()
    const reader = source.createReader(config, readerContext({ platform, schema }, record))
    reader.addSplits(ranges.map((position, i) => ({ id: `${i}`, description: '', position })))
    reader.noMoreSplits()
    const output = {
      emit: (_: string, batch: Parameters<typeof rowsOfBatch>[0]) =>
        rows.push(...rowsOfBatch(batch)),
      splitCaughtUpEmpty() {},
      splitFinished() {},
    }
    for (let result = ''; result !== 'end-of-input'; result = reader.poll(output)) {
      await new Promise((resolve) => setImmediate(resolve))
      assert.deepEqual(record.errors, [])
    }
    const numbers = rows.map((row) => row[0] as number).toSorted((a, b) => a - b)
    assert.deepEqual(
      numbers,
      Array.from({ length: 40 }, (_, i) => i),
      `border ${border}`,
    )
    await reader.close()
  }
  await rm(directory, { recursive: true })
})

test('files with an end give their rows in one order, whichever of them is read faster', async () => {
  // Cause: a file that was not read yet lost its turn, and the disk decided which rows were late.
  const directory = await newDirectory()
  for (const name of ['a', 'b', 'c']) {
    const lines = Array.from({ length: 30_000 }, (_, i) => line(i, `${name}${'z'.repeat(30)}`))
    await writeFile(join(directory, name), lines.join(''))
  }
  const config = source.plan(describe(directory)).config as FileSourceConfig
  const { splits } = await listSplits(config)
  const orderWhenSlow = async (slow: string): Promise<string[]> => {
    const delayed = Object.create(platform.filesystem) as typeof platform.filesystem
    delayed.open = async (path, mode) => {
      const file = await platform.filesystem.open(path, mode)
      if (!path.endsWith(slow)) return file
      const read: typeof file.read = async (into, position) => {
        await new Promise((resolve) => setTimeout(resolve, 5))
        return file.read(into, position)
      }
      return { ...file, read, close: () => file.close() }
    }
    const record = new ContextRecord()
    const context = readerContext(
      { platform: { ...platform, filesystem: delayed }, schema },
      record,
    )
    const reader = source.createReader(config, context)
    reader.addSplits(splits[0] ?? [])
    reader.noMoreSplits()
    const order: string[] = []
    const output = {
      emit: (id: string, { rowCount }: { rowCount: number }) => order.push(`${id} ${rowCount}`),
      splitCaughtUpEmpty() {},
      splitFinished: (id: string) => order.push(`${id} finished`),
    }
    for (let result = ''; result !== 'end-of-input'; result = reader.poll(output)) {
      await new Promise((resolve) => setImmediate(resolve))
      assert.deepEqual(record.errors, [])
    }
    await reader.close()
    return order
  }
  const expected = await orderWhenSlow('none')
  assert.ok(expected.length > 30)
  for (const slow of ['a', 'b', 'c']) assert.deepEqual(await orderWhenSlow(slow), expected)
  await rm(directory, { recursive: true })
})

test('a file without newlines is refused by name once its line is too long', async () => {
  // It was collected in one buffer until the slot died.
  const directory = await newDirectory()
  const path = join(directory, 'f')
  await writeFile(path, `${line(1, 'short')}${'x'.repeat(3_000_000)}`)
  const longest = (limit: string) =>
    source.plan(describe(directory, { 'source.line-length.max': limit })).config
  for (const [limit, found] of [
    ['1 mb', 1_048_576],
    ['64 kb', 65_536],
  ] as const) {
    const config = longest(limit)
    const record = new ContextRecord()
    const reader = source.createReader(config, readerContext({ platform, schema }, record))
    const { splits } = await listSplits(config as FileSourceConfig)
    reader.addSplits(splits[0] ?? [])
    const output = { emit() {}, splitCaughtUpEmpty() {}, splitFinished() {} }
    const readToEnd = async () => {
      for (let result = ''; result !== 'end-of-input'; result = reader.poll(output)) {
        await new Promise((resolve) => setImmediate(resolve))
        assert.deepEqual(record.errors, [])
      }
    }
    await assert.rejects(readToEnd(), (error) => {
      assert.ok(isMillraceError(error, 'FILESYSTEM_LINE_TOO_LONG'))
      assert.deepEqual(error.location, {
        file: path,
        offset: String(line(1, 'short').length),
        optionKey: 'source.line-length.max',
      })
      assert.match(error.message, new RegExp(`${found} are allowed`))
      return true
    })
    await reader.close()
  }
  await rm(directory, { recursive: true })
})

test('a followed file gives lines as they are completed, and fails when it shrinks', async () => {
  const directory = await newDirectory()
  const path = join(directory, 'f')
  await writeFile(path, '')
  const plan = source.plan(describe(directory, { 'source.monitor-interval': '10 ms' }))
  assert.equal(plan.bounded, false)
  const config = plan.config as FileSourceConfig
  const { splits, noMore } = await listSplits(config)
  assert.deepEqual(noMore, [])
  const record = new ContextRecord()
  const reader = source.createReader(config, readerContext({ platform, schema }, record))
  await reader.start()
  reader.addSplits(splits[0] ?? [])
  const rows: unknown[][] = []
  const empty: string[] = []
  const output = {
    emit: (_: string, batch: Parameters<typeof rowsOfBatch>[0]) => rows.push(...rowsOfBatch(batch)),
    splitCaughtUpEmpty: (id: string) => empty.push(id),
    splitFinished: () => assert.fail('a followed file has no end'),
  }
  const pollFor = async (done: () => boolean) => {
    const lastMs = performance.now() + FILES_TIMEOUT_MS
    while (!done()) {
      assert.ok(performance.now() < lastMs, `in vain: ${done}; rows so far: ${rows.join(' ')}`)
      reader.poll(output)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  await pollFor(() => empty.length > 0)
  await appendFile(path, `${line(1, 'a')}{"n":2,`)
  await pollFor(() => rows.length === 1)
  await appendFile(path, '"s":"b"}\n')
  await pollFor(() => rows.length === 2)
  assert.deepEqual(rows, [
    [1, 'a'],
    [2, 'b'],
  ])
  await truncate(path, 3)
  await pollFor(() => record.errors.length > 0)
  assert.equal((record.errors[0] as { code: string }).code, 'FILESYSTEM_FILE_SHRUNK')
  await reader.close()
  await rm(directory, { recursive: true })
})

test('files are dealt round robin, new ones later, known ones never again', async () => {
  const directory = await newDirectory()
  for (const name of ['a', 'b', 'c']) await writeFile(join(directory, name), line(1, name))
  const config = source.plan(describe(`file://${directory}/`)).config as FileSourceConfig
  const { splits } = await listSplits(config, 2)
  assert.deepEqual(
    splits.map((of) => of.map(({ id }) => id.slice(-1))),
    [['a', 'c'], ['b']],
  )
  const followed = { ...config, monitorIntervalMs: 5 }
  const assigned: string[] = []
  const context = enumeratorContext({ platform, schema }, (_, of) => {
    assigned.push(...of.map(({ id }) => id.slice(-1)))
  })
  const first = source.createEnumerator(followed, context)
  await first.start(null)
  await writeFile(join(directory, 'd'), '')
  const lastMs = performance.now() + FILES_TIMEOUT_MS
  while (assigned.length < 4) {
    assert.ok(performance.now() < lastMs, `assigned so far: ${assigned.join(', ')}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const state = JSON.parse(JSON.stringify(first.snapshot(1)))
  await first.close()
  const second = source.createEnumerator(followed, context)
  await second.start(state)
  await second.close()
  assert.deepEqual(assigned, ['a', 'b', 'c', 'd'])
  await rm(directory, { recursive: true })
})

test('planning refuses unknown options, relative paths and unknown formats by name', () => {
  const cases: [Record<string, string>, RegExp, string | undefined][] = [
    [
      { path: '/x', format: 'json', 'source.monitor-intervall': '1 s' },
      /monitor-intervall/,
      'source',
    ],
    [{ path: '/x', format: 'jsonn' }, /Unknown format 'jsonn'/, "'json'"],
    [{ path: 'x', format: 'json' }, /absolute path/, undefined],
    [{ format: 'json' }, /'path'/, undefined],
    [{ path: '/x' }, /'format'/, undefined],
    [{ path: '/x', format: 'json', 'json.ignore-parse-errors': 'yes' }, /true or false/, undefined],
    [
      { path: '/x', format: 'json', 'json.timestamp-format.standard': 'RFC' },
      /SQL, ISO-8601/,
      undefined,
    ],
  ]
  for (const [options, message, hint] of cases) {
    assert.throws(
      () => source.plan({ tableName: 't', schema, options, formats }),
      (error: Error & { hint?: string }) => {
        assert.match(error.message, message)
        if (hint !== undefined) assert.match(error.hint ?? '', new RegExp(hint))
        return true
      },
    )
  }
})
