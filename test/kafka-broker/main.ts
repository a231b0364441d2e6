/**
 * `npm run kafka`: a real broker on loopback to play with, with the main job's two topics.
 *
 *     npm run kafka -- [--port 9092] [--directory DIR] [--version 4.1.1]
 *     npm run -s kafka -- produce TOPIC HOST:PORT     lines of standard input become records; the topic is made when missing
 *     npm run -s kafka -- consume TOPIC HOST:PORT     committed records, from the first on
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { renderError, requireKnown } from '@millrace/cli'
import { isMillraceError, toErrorData } from '@millrace/core'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { readOptions } from '../support/command-options.ts'
import { startKafkaBroker } from './broker.ts'
import { provisionKafka } from './provision.ts'

const { values, positionals } = readOptions({
  name: 'npm run kafka --',
  operands: '[produce TOPIC | consume TOPIC [HOST:PORT]]',
  summary:
    'A real Kafka broker on loopback to play with, until Ctrl-C. With produce, lines of standard input become records of ' +
    'a topic; with consume, its committed records are shown from the first on.',
  allowPositionals: true,
  options: {
    port: { type: 'string', default: '9092', value: 'PORT', help: 'that it listens on' },
    directory: {
      type: 'string',
      value: 'DIR',
      help: 'where its data stay; when left out a new one that is removed at the end',
    },
    version: { type: 'string', value: 'VERSION', help: 'of Apache Kafka; 3.9.2 when left out' },
    heap: { type: 'string', default: '512m', value: 'SIZE', help: 'of the Java process' },
  },
})
const TOPICS = ['sensor-readings', 'sensor-aggregates']
const PARTITIONS = 3
const version = values.version === undefined ? {} : { version: values.version }

const say = (line: string) => void process.stdout.write(`${line}\n`)

async function serve(): Promise<void> {
  const directory = values.directory ?? mkdtempSync(join(tmpdir(), 'millrace-kafka-'))
  const remove = () => {
    if (values.directory === undefined) rmSync(directory, { recursive: true, force: true })
  }
  const broker = await startKafkaBroker({
    directory,
    port: Number(values.port),
    heap: values.heap,
    progress: say,
    ...version,
  }).catch((error: unknown) => {
    remove()
    throw error
  })
  const address = broker.bootstrapServers
  await withAdmin(address, (admin) => createMissing(admin, TOPICS))
  say(
    `Kafka runs at ${address}; topics ${TOPICS.join(' and ')} have ${PARTITIONS} partitions.\n` +
      `  produce:  npm run -s kafka -- produce TOPIC ${address}   (a line of standard input a record)\n` +
      `  consume:  npm run -s kafka -- consume TOPIC ${address}\n` +
      `  in SQL:   'properties.bootstrap.servers' = '${address}'\n` +
      `  demo:     npm start -- --kafka ${address}\n` +
      `Ctrl-C stops it${values.directory === undefined ? ' and removes its data' : `; its data stay in ${directory}`}.`,
  )
  const keepAlive = setInterval(() => {}, 1 << 30)
  const stop = async () => {
    clearInterval(keepAlive)
    say('\nStopping Kafka …')
    await broker.stop()
    remove()
    process.exit(0)
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}

async function withAdmin<T>(address: string, use: (admin: Admin) => Promise<T>): Promise<T> {
  const retry = { retries: 2 }
  const kafka = new Kafka({ brokers: address.split(','), logLevel: logLevel.NOTHING, retry })
  const admin = kafka.admin()
  await admin.connect().catch((error: Error) => {
    throw new Error(`No broker answers at ${address}: ${error.message}. npm run kafka starts one.`)
  })
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

/** Those that were made. */
async function createMissing(admin: Admin, topics: readonly string[]): Promise<string[]> {
  const present = await admin.listTopics()
  const missing = topics.filter((topic) => !present.includes(topic))
  await admin.createTopics({
    waitForLeaders: true,
    topics: missing.map((topic) => ({ topic, numPartitions: PARTITIONS, replicationFactor: 1 })),
  })
  return missing
}

async function runTool(jars: string, args: readonly string[]): Promise<void> {
  const child = spawn('java', ['-Xmx128m', '-cp', join(jars, '*'), ...args], {
    stdio: ['inherit', 'inherit', 'ignore'],
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => child.kill('SIGTERM'))
  }
  child.on('close', (code) => process.exit(code ?? 1))
}

/** Kafka's console tools say little and end with 0 when a topic is missing; this says it before. */
async function requireTopic(topic: string, address: string): Promise<void> {
  const topics = await withAdmin(address, (admin) => admin.listTopics())
  if (topics.includes(topic)) return
  const known = topics.filter((name) => !name.startsWith('__')).sort()
  throw new Error(`Topic '${topic}' does not exist at ${address}; there are: ${known.join(', ')}.`)
}

async function useTopic(command: string, topic: string | undefined, address: string) {
  requireKnown(
    'command',
    command,
    ['produce', 'consume'],
    'Write: produce TOPIC, or consume TOPIC.',
  )
  if (topic === undefined) throw new Error(`Name the topic: npm run kafka -- ${command} TOPIC`)
  if (command === 'consume') await requireTopic(topic, address)
  else if ((await withAdmin(address, (admin) => createMissing(admin, [topic]))).length > 0) {
    process.stderr.write(`Made topic ${topic} with ${PARTITIONS} partitions.\n`)
  }
  const jars = await provisionKafka(version)
  if (command === 'produce') {
    // The class moved between Kafka 3 and 4.
    const oldHome = readdirSync(jars).some((jar) => jar.startsWith('kafka_2.13-3.'))
    await runTool(jars, [
      `${oldHome ? '' : 'org.apache.'}kafka.tools.ConsoleProducer`,
      ...['--bootstrap-server', address, '--topic', topic],
    ])
  } else {
    await runTool(jars, [
      'org.apache.kafka.tools.consumer.ConsoleConsumer',
      ...['--bootstrap-server', address, '--topic', topic, '--from-beginning'],
      ...['--isolation-level', 'read_committed'],
    ])
  }
}

const [command, topic, address = `127.0.0.1:${values.port}`] = positionals
try {
  if (command === undefined) await serve()
  else await useTopic(command, topic, address)
} catch (error) {
  const text = isMillraceError(error) ? renderError(toErrorData(error)) : (error as Error).message
  process.stderr.write(`${text}\n`)
  process.exit(1)
}
