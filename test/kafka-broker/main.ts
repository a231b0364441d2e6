/**
 * `npm run kafka`: a real broker on loopback to play with, with the main job's two topics.
 *
 *     npm run kafka -- [--port 9092] [--directory DIR] [--version 4.1.1]
 *     npm run -s kafka -- produce TOPIC HOST:PORT     lines of standard input become records
 *     npm run -s kafka -- consume TOPIC HOST:PORT     committed records, from the first on
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { runJava, startKafkaBroker } from './broker.ts'
import { provisionKafka } from './provision.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: 'string', default: '9092' },
    directory: { type: 'string' },
    version: { type: 'string' },
    heap: { type: 'string', default: '512m' },
  },
})
const version = values.version === undefined ? {} : { version: values.version }

async function serve(): Promise<void> {
  const directory = values.directory ?? mkdtempSync(join(tmpdir(), 'millrace-kafka-'))
  const broker = await startKafkaBroker({
    directory,
    port: Number(values.port),
    heap: values.heap,
    ...version,
  })
  const address = broker.bootstrapServers
  if (broker.jars !== null) {
    for (const topic of ['sensor-readings', 'sensor-aggregates']) {
      await runJava(broker.jars, directory, '128m', [
        'org.apache.kafka.tools.TopicCommand',
        ...['--bootstrap-server', address, '--create', '--if-not-exists'],
        ...['--topic', topic, '--partitions', '3', '--replication-factor', '1'],
      ])
    }
  }
  process.stdout.write(
    `Kafka runs at ${address}; topics sensor-readings and sensor-aggregates have 3 partitions.\n` +
      `  produce:  npm run -s kafka -- produce sensor-readings ${address}\n` +
      `  consume:  npm run -s kafka -- consume sensor-aggregates ${address}\n` +
      `  in SQL:   'properties.bootstrap.servers' = '${address}'\n` +
      `Ctrl-C stops it${values.directory === undefined ? ' and removes its data' : `; its data stay in ${directory}`}.\n`,
  )
  const keepAlive = setInterval(() => {}, 1 << 30)
  const stop = async () => {
    clearInterval(keepAlive)
    process.stdout.write('\nStopping Kafka …\n')
    await broker.stop()
    if (values.directory === undefined) rmSync(directory, { recursive: true, force: true })
    process.exit(0)
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
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
  const admin = new Kafka({
    brokers: address.split(','),
    logLevel: logLevel.NOTHING,
    retry: { retries: 2 },
  }).admin()
  await admin.connect().catch((error: Error) => {
    throw new Error(`No broker answers at ${address}: ${error.message}. npm run kafka starts one.`)
  })
  const topics = await admin.listTopics()
  await admin.disconnect()
  if (topics.includes(topic)) return
  const known = topics.filter((name) => !name.startsWith('__')).sort()
  throw new Error(`Topic '${topic}' does not exist at ${address}; there are: ${known.join(', ')}.`)
}

async function useTopic(command: string, topic: string | undefined, address: string) {
  if (topic === undefined || (command !== 'produce' && command !== 'consume')) {
    const given = positionals.join(' ')
    throw new Error(`Unknown command '${given}'; try produce TOPIC or consume TOPIC.`)
  }
  await requireTopic(topic, address)
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
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
