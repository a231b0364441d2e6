/**
 * Topics for tests, through programs that are not ours, so that the connector is checked by
 * something else: create, produce, read back.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { provisionKafka } from '../kafka-broker/provision.ts'
import { until } from './until.ts'

/**
 * kafkajs looks after its queue again and again, by a timer whose delay is a negative number when
 * nothing is throttled: Node warns of it, and a connected client wakes a thousand times a second.
 * It need not while nothing waits.
 */
const { prototype: requestQueue } = createRequire(import.meta.url)(
  'kafkajs/src/network/requestQueue/index.js',
) as { prototype: { scheduleCheckPendingRequests(this: RequestQueue): void } }
type RequestQueue = { readonly pending: readonly unknown[]; readonly throttledUntil: number }
const scheduleCheck = requestQueue.scheduleCheckPendingRequests
requestQueue.scheduleCheckPendingRequests = function () {
  if (this.pending.length > 0 || this.throttledUntil > Date.now()) scheduleCheck.call(this)
}

export function kafkaAt(bootstrapServers: string): Kafka {
  return new Kafka({
    clientId: 'millrace-tests',
    brokers: bootstrapServers.split(','),
    logLevel: logLevel.NOTHING,
    retry: { retries: 20 },
  })
}

export async function createTopics(
  bootstrapServers: string,
  topics: Readonly<Record<string, number>>,
): Promise<void> {
  const admin = kafkaAt(bootstrapServers).admin()
  await admin.connect()
  await admin.createTopics({
    waitForLeaders: true,
    topics: Object.entries(topics).map(([topic, numPartitions]) => ({ topic, numPartitions })),
  })
  await admin.disconnect()
}

export async function openProducer(bootstrapServers: string): Promise<Producer> {
  const producer = kafkaAt(bootstrapServers).producer({ allowAutoTopicCreation: false })
  await producer.connect()
  return producer
}

/** A producer that goes on trying while the broker is away, at least twice a second. */
export async function openPatientProducer(bootstrapServers: string): Promise<Producer> {
  const producer = kafkaAt(bootstrapServers).producer({
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 1_000_000 },
  })
  await producer.connect()
  return producer
}

/** How many records a topic holds, control records included. */
export async function recordCount(bootstrapServers: string, topic: string): Promise<number> {
  const admin = kafkaAt(bootstrapServers).admin()
  await admin.connect()
  const offsets = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0)
}

/** Produces texts to given partitions. */
export async function produce(
  producer: Producer,
  topic: string,
  messages: readonly { readonly partition: number; readonly value: string }[],
): Promise<void> {
  await producer.send({ topic, acks: -1, messages: messages.map((message) => ({ ...message })) })
}

/**
 * Kafka's own console consumer, read_committed, from the first record on. kafkajs is no judge of
 * transactions: brokers list aborted ones by their end, it expects them by their beginning, and
 * then shows aborted records as committed.
 */
async function consoleConsumer(
  bootstrapServers: string,
  topic: string,
  further: readonly string[],
): Promise<ChildProcess> {
  const jars = await provisionKafka()
  return spawn(
    'java',
    [
      ...['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', join(jars, '*')],
      'org.apache.kafka.tools.consumer.ConsoleConsumer',
      ...['--bootstrap-server', bootstrapServers, '--topic', topic, '--from-beginning'],
      ...['--isolation-level', 'read_committed', ...further],
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  )
}

/** Collects the lines of a process as they come; `onLines` is told of each arrival. */
function collectLines(
  child: ChildProcess,
  into: string[],
  onLines: (lines: readonly string[]) => void = () => {},
): void {
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() as string
    into.push(...lines)
    if (lines.length > 0) onLines(lines)
  })
}

/** Follows a topic from its beginning as a read_committed consumer does. */
export class CommittedReader {
  readonly values: string[] = []
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, onLines?: (lines: readonly string[]) => void) {
    this.#child = child
    collectLines(child, this.values, onLines)
  }

  static async open(
    bootstrapServers: string,
    topic: string,
    onLines?: (lines: readonly string[]) => void,
  ): Promise<CommittedReader> {
    return new CommittedReader(await consoleConsumer(bootstrapServers, topic, []), onLines)
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#child.once('close', resolve))
    this.#child.kill('SIGKILL')
    await closed
  }
}

const LOOK_AGAIN_MS = 100

/**
 * Everything that is in a topic now, committed. The consumer's own commits say when it is at the
 * end, past control and aborted records too: silence does not, on a machine that is busy.
 */
export async function readWholeTopic(bootstrapServers: string, topic: string): Promise<string[]> {
  const admin = kafkaAt(bootstrapServers).admin()
  await admin.connect()
  // kafkajs asks as a read_committed consumer does: up to the first open transaction.
  const ends = await admin.fetchTopicOffsets(topic)
  const filled = ends.filter(({ low, high }) => Number(low) < Number(high))
  const values: string[] = []
  if (filled.length > 0) {
    const groupId = `whole-topic-${randomUUID()}`
    const child = await consoleConsumer(bootstrapServers, topic, [
      ...['--group', groupId, '--consumer-property', `auto.commit.interval.ms=${LOOK_AGAIN_MS}`],
    ])
    collectLines(child, values)
    const closed = new Promise((resolve) => child.once('close', resolve))
    await until(`${topic} is read to its end`, async () => {
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
      if (child.exitCode !== null) throw new Error(`The consumer ended with ${child.exitCode}.`)
      const [read] = await admin.fetchOffsets({ groupId, topics: [topic] })
      const offsets = new Map(read?.partitions.map((each) => [each.partition, each.offset]))
      return filled.every((end) => Number(offsets.get(end.partition) ?? -1) >= Number(end.high))
    })
    // It writes a record before it commits behind it.
    child.kill('SIGKILL')
    await closed
  }
  await admin.disconnect()
  return values
}
