/**
 * Runs one real Apache Kafka broker (KRaft, a single combined node) on loopback, for tests,
 * benchmarks and `npm run kafka`.
 *
 * With `KAFKA_BOOTSTRAP_SERVERS` set, that broker is used and nothing is started; `kill` and
 * `restart` then fail, as it is not ours. The log goes to `<directory>/broker.log`, warnings
 * and worse only.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePort } from '../../packages/distribution/src/cluster/free-port.ts'
import { requireFreePort } from '../support/require-free-port.ts'
import { type ProvisionOptions, provisionKafka } from './provision.ts'

export interface KafkaBrokerOptions extends ProvisionOptions {
  /**
   * Data, log and configuration of this broker; kept after `stop`, so that a later start
   * finds its topics.
   */
  readonly directory: string
  /** Java heap, e.g. `512m`. */
  readonly heap?: string
  /** 0 or absent: a free one. */
  readonly port?: number
  /** Further lines of server.properties. */
  readonly properties?: Readonly<Record<string, string>>
  readonly startTimeoutMs?: number
  /** A second listener that asks for these credentials over SASL PLAIN. */
  readonly sasl?: { readonly username: string; readonly password: string }
  /**
   * A second listener on `port`, whose clients are told to come to `advertised`: the address of a
   * proxy in front of it.
   */
  readonly proxied?: { readonly port: number; readonly advertised: string }
}

export interface KafkaBroker {
  readonly bootstrapServers: string
  /** The listener of `sasl`; null without. */
  readonly saslServers: string | null
  /** The directory of the jars, for the command-line tools; null when the broker is not ours. */
  readonly jars: string | null
  /** SIGTERM, then waits for the end. */
  stop(): Promise<void>
  /** SIGKILL, then waits for the end. */
  kill(): Promise<void>
  /** SIGCONT or SIGSTOP, to make it hang. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
  /** Starts it again on the same port and data (stopping it first when it runs). */
  restart(): Promise<void>
}

export async function startKafkaBroker(options: KafkaBrokerOptions): Promise<KafkaBroker> {
  const given = process.env.KAFKA_BOOTSTRAP_SERVERS
  if (given !== undefined && given !== '') return foreignBroker(given)
  if (options.port) await requireFreePort(options.port)
  const jars = await provisionKafka(options)
  const directory = options.directory
  options.progress?.(`Starting Kafka at 127.0.0.1:${options.port || 'a free port'} …`)
  mkdirSync(directory, { recursive: true })
  const port = options.port || (await freePort())
  const saslPort = options.sasl === undefined ? null : await freePort()
  writeConfiguration(options, port, await freePort(), saslPort)
  const logsDirectory = join(directory, 'data')
  if (!existsSync(join(logsDirectory, 'meta.properties'))) {
    await runJava(jars, directory, '128m', [
      'kafka.tools.StorageTool',
      'format',
      '-t',
      'bWlsbHJhY2Uta2Fma2EtMQ',
      '-c',
      join(directory, 'server.properties'),
    ])
  }
  let broker = await launch(jars, options, port)
  const end = async (signal: NodeJS.Signals) => {
    if (broker.exitCode !== null || broker.signalCode !== null) return
    const ended = new Promise<void>((done) => broker.once('exit', () => done()))
    broker.kill(signal)
    await ended
  }
  return {
    bootstrapServers: `127.0.0.1:${port}`,
    saslServers: saslPort === null ? null : `127.0.0.1:${saslPort}`,
    jars,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    signal: (name) => {
      broker.kill(name)
    },
    async restart() {
      await end('SIGTERM')
      broker = await launch(jars, options, port)
    },
  }
}

function foreignBroker(bootstrapServers: string): KafkaBroker {
  const refuse = async () => {
    throw new Error(
      `The broker at ${bootstrapServers} comes from KAFKA_BOOTSTRAP_SERVERS and is not ours to end; unset it to use one of our own.`,
    )
  }
  return {
    bootstrapServers,
    saslServers: null,
    jars: null,
    stop: async () => {},
    kill: refuse,
    signal: () => void refuse(),
    restart: refuse,
  }
}

function saslProperties(options: KafkaBrokerOptions, port: number, saslPort: number | null) {
  if (options.sasl === undefined || saslPort === null) return {}
  const { username, password } = options.sasl
  const login = 'org.apache.kafka.common.security.plain.PlainLoginModule required'
  return {
    'sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.sasl_plaintext.plain.sasl.jaas.config': `${login} user_${username}="${password}";`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},SASL_PLAINTEXT://127.0.0.1:${saslPort}`,
  }
}

function proxiedProperties(options: KafkaBrokerOptions, port: number, controllerPort: number) {
  if (options.proxied === undefined) return {}
  const own = `PLAINTEXT://127.0.0.1:${port}`
  return {
    listeners: `${own},CONTROLLER://127.0.0.1:${controllerPort},PROXIED://127.0.0.1:${options.proxied.port}`,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT',
    'advertised.listeners': `${own},PROXIED://${options.proxied.advertised}`,
  }
}

function writeConfiguration(
  options: KafkaBrokerOptions,
  port: number,
  controllerPort: number,
  saslPort: number | null,
) {
  const sasl = saslPort === null ? '' : `,SASL_PLAINTEXT://127.0.0.1:${saslPort}`
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}${sasl}`,
    'listener.security.protocol.map':
      'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT',
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(options.directory, 'data'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '3',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '3',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'auto.create.topics.enable': 'false',
    'num.network.threads': '2',
    'num.io.threads': '4',
    // A killed broker may register again once its old session has expired.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    'log.cleaner.dedupe.buffer.size': '4194304',
    'controlled.shutdown.enable': 'false',
    ...saslProperties(options, port, saslPort),
    ...proxiedProperties(options, port, controllerPort),
    ...options.properties,
  }
  const text = Object.entries(properties).map(([key, value]) => `${key}=${value}`)
  writeFileSync(join(options.directory, 'server.properties'), `${text.join('\n')}\n`)
  writeFileSync(
    join(options.directory, 'log4j.properties'),
    'log4j.rootLogger=WARN, out\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\n' +
      'log4j.appender.out.layout=org.apache.log4j.PatternLayout\n' +
      'log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n\n',
  )
  writeFileSync(
    join(options.directory, 'log4j2.properties'),
    'rootLogger.level=warn\nrootLogger.appenderRef.out.ref=out\nappender.out.type=Console\n' +
      'appender.out.name=out\nappender.out.layout.type=PatternLayout\n' +
      'appender.out.layout.pattern=[%d] %p %m (%c)%n\n',
  )
}

function javaArguments(jars: string, directory: string, heap: string, args: readonly string[]) {
  return [
    `-Xmx${heap}`,
    `-Xms${heap}`,
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=4',
    '-Xshare:auto',
    '-Djava.awt.headless=true',
    `-Dlog4j.configuration=file:${join(directory, 'log4j.properties')}`,
    `-Dlog4j2.configurationFile=${join(directory, 'log4j2.properties')}`,
    '-cp',
    join(jars, '*'),
    ...args,
  ]
}

/** Runs one of Kafka's command-line programs to its end; rejects with its output when it fails. */
export function runJava(
  jars: string,
  directory: string,
  heap: string,
  args: readonly string[],
): Promise<string> {
  return new Promise((done, fail) => {
    const child = spawn('java', javaArguments(jars, directory, heap, args), {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    child.on('error', fail)
    child.on('close', (code) => {
      if (code === 0) done(output)
      else fail(new Error(`${args[0]} failed with exit code ${code}: ${output.slice(-2000)}`))
    })
  })
}

async function launch(
  jars: string,
  options: KafkaBrokerOptions,
  port: number,
): Promise<ChildProcess> {
  const log = join(options.directory, 'broker.log')
  const descriptor = openSync(log, 'a')
  const broker = spawn(
    'java',
    javaArguments(jars, options.directory, options.heap ?? '512m', [
      'kafka.Kafka',
      join(options.directory, 'server.properties'),
    ]),
    { stdio: ['ignore', descriptor, descriptor] },
  )
  closeSync(descriptor)
  const onExit = () => broker.kill('SIGKILL')
  process.once('exit', onExit)
  broker.once('exit', () => process.off('exit', onExit))
  const deadline = Date.now() + (options.startTimeoutMs ?? 180_000)
  while (!(await answersMetadata(port))) {
    const ended = broker.exitCode !== null || broker.signalCode !== null
    if (ended || Date.now() > deadline) {
      broker.kill('SIGKILL')
      const tail = readFileSync(log, 'utf8').slice(-2000)
      throw new Error(
        `The Kafka broker on port ${port} ${ended ? 'ended at start' : 'did not answer in time'}; the end of ${log}: ${tail}`,
      )
    }
    await new Promise((done) => setTimeout(done, 100))
  }
  return broker
}

/** Whether a Metadata request (v1, no topics) on the port names a live broker. */
function answersMetadata(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host: '127.0.0.1', port })
    const request = Buffer.alloc(18)
    request.writeInt32BE(14, 0)
    request.writeInt16BE(3, 4) // api key: Metadata
    request.writeInt16BE(1, 6)
    request.writeInt32BE(1, 8)
    request.writeInt16BE(-1, 12) // no client id
    request.writeInt32BE(0, 14) // no topics
    let answer = Buffer.alloc(0)
    const finish = (result: boolean) => {
      socket.destroy()
      done(result)
    }
    socket.setTimeout(2000, () => finish(false))
    socket.on('connect', () => socket.write(request))
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk])
      if (answer.length >= 12) finish(answer.readInt32BE(8) > 0)
    })
    socket.on('error', () => finish(false))
    socket.on('close', () => finish(false))
  })
}
