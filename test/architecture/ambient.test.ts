/**
 * Determinism: clock, randomness, timers and I/O exist in platform/node and in
 * composition roots alone.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { packageSources } from './source-files.ts'

const AMBIENT: readonly [RegExp, string][] = [
  [
    /\bDate\.now\(|\bnew Date\(\s*\)|\bperformance\.(now|timeOrigin)/,
    'a clock: use platform.clock',
  ],
  [
    /\bIntl\b|\.getTimezoneOffset\(|\.toLocale(Date|Time)?String\(|\.get(FullYear|Month|Date|Day|Hours|Minutes|Seconds)\(\)/,
    "the machine's time zone: use core's time zones",
  ],
  [
    /\bMath\.random\(|\bcrypto\.(random|getRandom)|from 'node:crypto'/,
    'randomness: use platform.random',
  ],
  [
    /(?<![.\w#])(setTimeout|setInterval|setImmediate)\((?!\w+:)|\bqueueMicrotask\(|\bprocess\.nextTick|\bAbortSignal\.timeout\(/,
    'a timer: use platform.clock',
  ],
  [
    /(?:from |import\()'node:(fs|fs\/promises|net|http|https|http2|tls|dgram|child_process|worker_threads|os|readline|readline\/promises|process|timers|timers\/promises)'/,
    'I/O: use the platform',
  ],
  [
    /(?<![.\w])process\.(env|argv|cwd|exit|on|stdout|stderr|stdin|memoryUsage|cpuUsage|hrtime|pid)\b/,
    'the process: inject it',
  ],
  [/(?<![.\w])console\.(log|error|warn|info)\(/, 'the console: use platform.logger'],
  [/(?<!async |[.\w#])fetch\((?!\w+\??:|$)/, 'the network: inject fetch'],
]

/** Where the ambient is allowed, and why. */
const EXEMPT: readonly [RegExp, string][] = [
  [/^packages\/platform\/src\/node\//, 'the real platform'],
  [
    /^packages\/connector-kafka\/src\/client\//,
    'sockets of a client library, behind the KafkaClient port',
  ],
  [
    /^packages\/simulation\/src\/world\/run-until-quiet\.ts$/,
    'lets the promises of a simulated step settle',
  ],
  [
    /^packages\/core\/src\/time\/time-zone\.ts$/,
    "the runtime's rules of a zone that is named, never the machine's own",
  ],
  [/^packages\/distribution\//, 'composition roots: processes, terminals, signals'],
]

describe('no ambient clock, randomness, timer or I/O', () => {
  it('outside platform/node and the composition roots', () => {
    const found: string[] = []
    for (const file of packageSources()) {
      if (file.isTest || EXEMPT.some(([pattern]) => pattern.test(file.path))) continue
      const lines = file.text
        .replace(/\/\*[\s\S]*?\*\//g, (c) => c.replace(/[^\n]/g, ' '))
        .split('\n')
      lines.forEach((line, index) => {
        const code = line.replace(/\/\/.*$/, '')
        for (const [pattern, why] of AMBIENT) {
          if (pattern.test(code))
            found.push(`${file.path}:${index + 1} uses ${why}: ${line.trim()}`)
        }
      })
    }
    assert.deepEqual(found, [])
  })
})

describe('generated code', () => {
  it('is made by `new Function` in the generators alone', () => {
    const users = packageSources()
      .filter((file) =>
        /\bnew Function\(|\beval\(/.test(file.text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')),
      )
      .map((file) => file.path)
    const allowed =
      /^packages\/(expression\/src\/generate|connector\/src\/json|sql-operators\/src)\//
    assert.deepEqual(
      users.filter((path) => !allowed.test(path)),
      [],
    )
    assert.ok(users.length <= 3, `Few places may compile code; now: ${users.join(', ')}`)
  })
})
